"""What the suite promises of itself: enough properties, and as many examples of each as it says."""
import ast
from pathlib import Path

from hypothesis import settings

TESTS = Path(__file__).parent


def properties():
    """The names of all tests that Hypothesis draws the arguments of."""
    for file in sorted(TESTS.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                called = {getattr(d.func, "id", None) for d in node.decorator_list
                          if isinstance(d, ast.Call)}
                if "given" in called:
                    yield f"{file.name}::{node.name}"


def test_there_are_at_least_sixty_properties():
    assert len(set(properties())) >= 60


def test_the_ordinary_profiles_try_a_hundred_examples():
    for name in ("dev", "ci"):
        assert settings.get_profile(name).max_examples >= 100


def test_the_nightly_profile_tries_a_hundred_thousand_examples():
    assert settings.get_profile("nightly").max_examples * len(set(properties())) >= 100_000
