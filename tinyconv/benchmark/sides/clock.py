"""How long a function takes: warm up, then call it again and again until the time is up."""
import statistics
import time

WARM = 3                               # calls before the first that counts …
WARM_SECONDS = 0.1                     # … and at least for so long: caches, clocks, thread pools
SAMPLE_SECONDS = 5e-4                  # what is shorter is called several times a sample


def measure(work, seconds, least):
    """{part: [seconds a call, …]}: at least `least` samples of every part, for about `seconds`.

    The parts are timed in turn, so that a machine that slows down slows all of them down.
    """
    if work.warm_up is not None:
        work.warm_up()
    calls = {name: 1 if work.warm_up is not None else _warm(part)
             for name, part in work.parts.items()}
    samples = {name: [] for name in work.parts}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or any(len(s) < least for s in samples.values()):
        for name, part in work.parts.items():
            samples[name].append(_sample(part, calls[name]))
    return samples


def _warm(part):
    """Call a function until it is warm; returns how many calls make a sample."""
    end, calls, fastest = time.perf_counter() + WARM_SECONDS, 0, float("inf")
    while calls < WARM or time.perf_counter() < end:
        fastest, calls = min(fastest, _sample(part, 1)), calls + 1
    return max(1, round(SAMPLE_SECONDS / max(fastest, 1e-9)))


def _sample(part, calls):
    """Seconds a call, over so many calls one after another."""
    begin = time.perf_counter()
    for _ in range(calls):
        part()
    return (time.perf_counter() - begin) / calls


def quartiles(samples):
    """The first quartile, the median and the third quartile."""
    if len(samples) < 2:
        return [samples[0]] * 3
    return statistics.quantiles(samples, n=4, method="inclusive")
