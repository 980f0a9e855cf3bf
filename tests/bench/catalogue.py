"""All the cases, the sets of them that have a name, and what is hoped of them."""

from dataclasses import dataclass

from .cases import (CONGESTION, MANY, SIZES, Case, Site, fanout, fanout_cases, many_peers,
                    pair_cases)
from .fair import fair_cases


def all_cases():
    """In the order of the table; those of one site run together."""
    yield from fanout_cases()
    yield Case("members-16/1000/bursts", "One member of the group among 16 peers, 15,000 frames/s",
               "1 of 16 × 1000 B", Site(17), fanout(1000, "bursts", members=1),
               ("loss", "cpu_us_per_sent"), quick=True,
               parameters={"receivers": 1, "size": 1000, "mode": "bursts"})
    for site in (Site(2), Site(2, 9001), Site(2, 1500, False)):
        yield from pair_cases(site)
    yield from fair_cases()
    yield Case("peers-64", f"A daemon with {MANY} peers", "after traffic; then idle",
               Site(MANY + 1), many_peers, ("rss_mib", "idle_percent"),
               ("tapd", "tapd-against"), True)


# Those in which what a change costs or saves shows first: --only core.
CORE = {*(f"fanout-{receivers}/{size}/saturation"
          for receivers in (1, 8, 32) for size in (100, 1000)),
        *(f"tcp-1-out/{congestion}{where}" for congestion in CONGESTION
          for where in ("", "@9001")), "rtt-idle"}
# The goals of a fast path that is fair to what is small: --only fair.
FAIR = {*(f"tcp-{streams}-out/{congestion}{where}" for streams in (1, 4)
          for congestion in CONGESTION for where in ("", "@9001")),
        *(case.name for case in fair_cases()), "fanout-1/100/even"}
# What sealing costs, and what the kernel's VXLAN does in tapd's place: --only plain.
PLAIN = {*(f"fanout-8/{size}/saturation" for size in (100, 1000)),
         *(f"tcp-1-out/{congestion}" for congestion in CONGESTION)}
SETS = {"core": CORE, "fair": FAIR, "plain": PLAIN}


@dataclass(frozen=True)
class Goal:
    metric: str
    sign: str    # ≥ or ≤
    bound: float
    of: str = "ratio"

    def met(self, value):
        return value >= self.bound if self.sign == "≥" else value <= self.bound

    def __str__(self):
        return f"{self.sign} {self.bound:g}" + {"ratio": "×"}.get(self.of, "")


GOALS = {
    "fanout-8/100/saturation": Goal("delivered_per_s", "≥", 7.5),
    "fanout-8/1000/saturation": Goal("delivered_per_s", "≥", 5.5),
    "fanout-32/1000/saturation": Goal("delivered_per_s", "≥", 5.5),
    **{f"fanout-8/{size}/bursts": Goal("cpu_us_per_frame", "≤", 0.6) for size in SIZES},
    "fanout-1/100/even": Goal("cpu_us_per_frame", "≤", 1.3),
    "tcp-1-out/bbr": Goal("gbps", "≥", 0.68),
    "tcp-1-out/bbr@9001": Goal("gbps", "≥", 0.7),
    "udp-single/1400": Goal("delivered_per_s", "≥", 0.9),
    "rtt-idle": Goal("p50_us", "≤", 1.4),
    "requests-idle": Goal("p50_us", "≤", 3),
    "requests-tcp/cubic": Goal("p50_us", "≤", 6),
    **{f"requests-tcp/{congestion}/card-{card}": Goal("p50_us", "≤", 0.7)
       for congestion in CONGESTION for card in (2, 5)},
}
# Those of tapd's own figure.
OWN_GOALS = {("peers-64", "rss_mib"): Goal("rss_mib", "≤", 48, "value"),
             ("peers-64", "idle_percent"): Goal("idle_percent", "≤", 1, "value")}
