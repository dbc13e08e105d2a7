"""CSV and JSON of a leaderboard: columns, blanks, awkward names."""

import csv
import io
import json

import pytest
from builders.leaderboard import rows_of, scores
from builders.records import write_model

from clearbench.records.select import load_results
from clearbench.verdicts.leaderboard.compute import make_leaderboard
from clearbench.verdicts.leaderboard.machine import csv_columns, to_csv, to_json
from clearbench.verdicts.leaderboard.options import LeaderboardOptions
from clearbench.verdicts.leaderboard.tables import to_markdown

HEADER = (
    "rank,rank_borda,model,key,source,mean,borda,ranked_pairs,p_best,p_above,not_separable_from,"
    "xquad/measure,xquad/pairs,xquad/of_pairs,xquad/mean,xquad/common,xquad/common_pairs,xquad/english,xquad/*-en,"
    "xquad/en-*,xquad/monolingual,xquad/cross-lingual,xquad/high,xquad/mid,xquad/low,xquad/worst_pair,xquad/worst"
)


def test_the_csv_has_the_documented_columns_and_blanks_for_what_is_missing(out):
    board = make_leaderboard(load_results(out), LeaderboardOptions(flips=200))
    text = to_csv(board)
    assert text.splitlines()[0] == HEADER == ",".join(csv_columns(board))
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(io.StringIO(text)).set_index("model")
    assert frame.loc["plain", "xquad/mean"] == pytest.approx(rows_of(board)["plain"].tasks["xquad"].mean, abs=1e-6)
    assert frame.loc["good", ["xquad/mean", "xquad/low", "p_best"]].isna().all()
    assert list(frame.loc["good", ["xquad/pairs", "xquad/of_pairs", "xquad/common_pairs", "ranked_pairs"]]) == [
        6,
        7,
        6,
        6,
    ]


def test_a_csv_survives_awkward_names(tmp_path):
    write_model(tmp_path, 'a,"b"\n|*c', {"xquad": scores(1)})
    board = make_leaderboard(load_results(tmp_path))
    assert next(csv.DictReader(io.StringIO(to_csv(board))))["model"] == 'a,"b"\n|*c'
    assert 'a,"b" \\|\\*c' in to_markdown(board)


def test_the_json_says_how_it_was_made(out):
    document = json.loads(to_json(make_leaderboard(load_results(out), LeaderboardOptions(flips=200, seed=3))))
    assert (document["flips"], document["seed"], document["clusters"]) == (200, 3, 12)
    assert document["tasks"][0]["groups"]["*-en"] == 2
    by_name = {row["model"]: row for row in document["rows"]}
    assert by_name["good"]["tasks"]["xquad"]["mean"] is None
    assert by_name["twin"]["not_separable_from"] == ["above"]
