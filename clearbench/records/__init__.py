"""Results on disk. A task's folder holds one JSON record and the per-query scores as Parquet parts.

    <out>/records/<model>-<hash>/<task>/record.json            model, task, settings, versions, summaries (Record)
    <out>/records/<model>-<hash>/<task>/scores/<pool>-<hash>.parquet   per-query scores of the pairs that share a pool
    <out>/records/<model>-<hash>/<task>/runs/<pair>.trec       rankings, where they were asked for, and with them:
    <out>/records/<model>-<hash>/<task>/runs/<pair>.qrels      the judgements that the rankings were scored by
    <out>/records/<model>-<hash>/<task>/runs/<pair>.sha256   checksums of these two files
    <out>/records/<model>-<hash>/<task>/runs/<pool>-<hash>.texts.parquet   queries, and passages judged or ranked high

A run is resumed part by part: each part is written once, completely or not at all, and never rewritten. A part's
Parquet metadata holds the summaries of its pairs, so the record is derived without reading scores again. Only `timings`
holds times: all else in the record of a resumed run equals that of an uninterrupted one byte for byte.
"""
