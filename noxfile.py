"""Sessions: `nox` runs what CI runs, and docs/contributing.md says when to run the others."""

from pathlib import Path

import nox

nox.options.sessions = ["tests", "coverage", "lint", "types", "docs"]
nox.options.default_venv_backend = "venv"
CONSTRAINTS = ("-c", "constraints.txt")
DECISIVE = ("scoring", "stats", "records", "evaluation", "verdicts/gate")
"""Folders in which a line that no test runs may be a wrong verdict."""
EXTRAS = ("demo", "lora", "report")
"""Extras for users, unlike those for whoever works on clearbench."""
WITHOUT_AUDIT = "--without-audit"
"""Argument of the session `wheel`: go on without asking for known vulnerabilities."""
KNOWN_VULNERABLE = "jinja2==2.10"
"""A version with vulnerabilities that every service for them knows, CVE-2019-10906 among them."""
USERS = ("tests/cli/commands/test_verify.py",)
"""Tests outside these folders that run parts which only they use."""
FLOOR = "--cov-fail-under=98"
"""Per cent of lines and branches, as measured and rounded down."""


def install(session: nox.Session, *packages: str) -> None:
    """Install with the constraints that keep tools at tested versions; with --no-venv, use what is installed."""
    if session.venv_backend != "none":
        session.install(*CONSTRAINTS, *packages)


@nox.session
def demo(session: nox.Session) -> None:
    """Tell the whole story on embedded data: train, evaluate, compare, gate, rank, report. Arguments go to the demo."""
    install(session, "-e", ".[demo]")
    session.run("clearbench", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test-suite; extra arguments go to pytest."""
    install(session, "-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Run the tests of what decides a verdict, and fail where fewer lines and branches are run than the floor."""
    install(session, "-e", ".[dev]")
    measured = [f"--cov=clearbench/{folder}" for folder in DECISIVE]
    tests = [f"tests/{folder}" for folder in DECISIVE]
    session.run("pytest", *tests, *USERS, *measured, "--cov-report=term:skip-covered", FLOOR, *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Inject faults (kills, full disks, runs at once, damaged files, odd files); arguments go to tests/faults."""
    install(session, "-e", ".[dev]")
    session.chdir("tests")
    session.run("python", "-m", "faults", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    install(session, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    install(session, "-e", ".[dev]")
    session.run(
        "mypy", "clearbench", "tests", "benchmarks", "docs/sections.py", "tasks/demo/make_official.py", "noxfile.py"
    )


@nox.session
def docs(session: nox.Session) -> None:
    """Build the pages of docs/ as a site in build/site; a broken link, an unknown name or a warning is an error."""
    install(session, ".[docs]")
    session.run("mkdocs", "build", "--strict", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Compare with MTEB on real data: same figures, whole-process times. Arguments go to the side-by-side script."""
    install(session, "-e", ".[demo]")
    peer = session.create_tmp()
    session.run("python", "-m", "venv", f"{peer}/mteb")
    mteb_python = f"{peer}/mteb/bin/python"
    session.run(mteb_python, "-m", "pip", "install", "-q", *CONSTRAINTS, "mteb==2.26.*", "torch", external=True)
    session.run("python", "benchmarks/mteb_equality.py", "--mteb-python", mteb_python)
    session.run("python", "benchmarks/mteb_side_by_side.py", "--mteb-python", mteb_python, *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build wheel and sdist; an installed wheel must list the same tasks as the checkout and run the demo; audit it."""
    folder = session.create_tmp()
    install(session, "build", "-e", ".[demo]")
    checkout = session.run("clearbench", "tasks", silent=True)
    session.run("python", "-m", "build", "--outdir", folder, silent=True)
    session.run("pip", "uninstall", "-q", "-y", "clearbench")
    install(session, f"clearbench[demo] @ file://{_newest_wheel(folder)}")
    session.chdir(folder)
    installed = session.run("clearbench", "tasks", silent=True)
    if installed != checkout:
        session.error(f"the installed wheel lists other tasks than the checkout:\n{installed}\n{checkout}")
    session.run("clearbench", "demo", "--steps", "2", "--out", "demo-out")
    _audit(session)


@nox.session
def minimums(session: nox.Session) -> None:
    """Run the test-suite with every package that users need, extras too, at its lower bound; torch as constrained."""
    install(session, "-e", ".[dev]", *_lower_bounds())
    session.run("pytest", *session.posargs)


def _audit(session: nox.Session) -> None:
    """List all parts in sbom.json (CycloneDX), and ask pip-audit for their known vulnerabilities.

    pip-audit passes over packages that its service does not know, and mirrors know none; so it is first asked about a
    version whose vulnerabilities are known. Without an answer the session fails, unless WITHOUT_AUDIT is an argument.
    """
    install(session, "cyclonedx-bom", "pip-audit")
    session.run("cyclonedx-py", "environment", "--output-file", "sbom.json")
    if WITHOUT_AUDIT in session.posargs:
        session.warn(f"{WITHOUT_AUDIT}: nobody asks whether what is installed has known vulnerabilities.")
        return
    Path("vulnerable.txt").write_text(f"{KNOWN_VULNERABLE}\n")
    question = ("pip-audit", "--disable-pip", "--no-deps", "--requirement", "vulnerable.txt")
    if "CVE-" not in str(session.run(*question, "--aliases", silent=True, success_codes=[0, 1])):
        session.error(f"pip-audit does not know {KNOWN_VULNERABLE}: no network, or a mirror. Pass {WITHOUT_AUDIT}.")
    session.run("pip-audit", "--skip-editable")


def _lower_bounds() -> list[str]:
    """Return what pyproject.toml asks for, each at the oldest version that it allows."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    extras = (bound for extra in EXTRAS for bound in project["optional-dependencies"][extra])
    bounds = [*project["dependencies"], *extras]
    return [bound.replace(">=", "==") for bound in bounds if not bound.startswith("torch>=")]


def _newest_wheel(folder: str) -> str:
    return str(max(Path(folder).glob("*.whl"), key=lambda path: path.stat().st_mtime).resolve())
