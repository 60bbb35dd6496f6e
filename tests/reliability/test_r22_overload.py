"""R22: ten times more than can be answered: whoever is let in is served, the others are told at once."""

import asyncio
import json
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from api.access.shares import LATELY
from tests.openloop import Answer, OpenLoop
from tests.reliability.conftest import Reached
from tests.serving import Server, Start, new_key

TURNS = 200


@dataclass(frozen=True, slots=True)
class Crowd:
    """What became of ten times too much. goodput: answers a second; p99: seconds, of the admitted."""

    answers: list[Answer]
    goodput: float
    p99: float

    @property
    def refused(self) -> list[Answer]:
        """Who was sent away."""
        return [one for one in self.answers if one.status != 200]


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured. capacity: answers a second; times in seconds; memory: beside that at capacity.

    alike, noisy: crowds of four tenants who ask for as much each, and of one who asks for nearly all.
    context_cpu, refusal_cpu: seconds of the service's CPU for one answer, and for sending one away.
    """

    capacity: float
    context_cpu: float
    refusal_cpu: float
    alike: Crowd
    noisy: Crowd
    alone_p99: float
    refused_p99: float
    memory: float
    quiet_served: float
    back_after: float

    @property
    def refused(self) -> list[Answer]:
        """Who was sent away, in both crowds."""
        return self.alike.refused + self.noisy.refused


@pytest.fixture
def server(start: Start) -> Iterator[Server]:
    """A service on all cores but one, asked from that one: who asks from elsewhere takes nothing from it."""
    cores = sorted(os.sched_getaffinity(0))
    its = cores[:-1] or cores
    try:
        os.sched_setaffinity(0, its)
        started = start(SATCHEL_THREADS=str(len(its)))
        os.sched_setaffinity(0, cores[-1:])
        yield started
    finally:
        os.sched_setaffinity(0, cores)


def settled(server: Server) -> dict[str, str]:
    """Give four tenants something to be asked for; return their keys by their names."""
    clients = {f"t{number}": new_key(server.data, tenant=f"t{number}") for number in range(4)}
    turns = [{"role": "user", "content": f"Door {door} opens with code K{door}."} for door in range(TURNS)]
    for key in clients.values():
        answer = server.client(key).post("/v1/sessions/s1/turns", json={"user_id": "ada", "turns": turns})
        assert answer.status_code == 201
    while server.client(None).get("/readyz").json()["queued"]:
        pass
    return clients


def measured(server: Server, seconds: float) -> Load:
    """Measure alone, at capacity, at ten times it by one noisy among four and by four alike, and after."""
    clients = settled(server)
    ask = json.dumps({"user_id": "ada", "query": "Which code opens door 7?", "max_tokens": 256}).encode()

    async def all_of_it() -> Load:
        loop = OpenLoop(server.url)
        asked = {name: (loop.prepared("/v1/context", key, ask), name) for name, key in clients.items()}
        await loop.one_after_the_other(asked["t0"][0], 1)
        alone = await loop.one_after_the_other(asked["t0"][0], seconds / 4)
        used = cpu(server)
        full = answered(await loop.one_after_the_other(asked["t0"][0], seconds / 4, clients=4))
        context_cpu = (cpu(server) - used) / len(full)
        capacity = len(full) / (seconds / 4)
        before, used = resident(server), cpu(server)

        async def crowd(weights: list[int]) -> Crowd:
            mix = random.Random(22).choices([asked[f"t{n}"] for n in range(4)], weights, k=9000)
            over = await loop.at_rate(mix, 10 * capacity, seconds)
            assert {one.status for one in over} > {200}, "nobody was sent away, or everybody"
            served = answered(over)
            return Crowd(over, len(served) / seconds, p99(served))

        # The noisy tenant asks for nearly all of it; the others for a third of what there is, each by chance.
        noisy = await crowd([87, 1, 1, 1])
        await asyncio.sleep(2 * LATELY)  # who had much lately would not count as one of four alike
        alike = await crowd([1, 1, 1, 1])
        memory, used = resident(server) / before, cpu(server) - used
        ended = max(one.at + one.seconds for one in alike.answers)
        limit = 2 * p99(alone)
        back_after = 0.0
        for _ in range(50):
            one = await loop.send(*asked["t0"])
            if one.status == 200 and one.seconds <= limit:
                back_after = one.at - ended
                break
            await asyncio.sleep(0.1)
        # Again, for what else the machine does may have changed: capacity is the mean of both.
        again = answered(await loop.one_after_the_other(asked["t0"][0], seconds / 4, clients=4))
        capacity = (capacity + len(again) / (seconds / 4)) / 2
        loop.close()
        served = answered(alike.answers + noisy.answers)
        refused = alike.refused + noisy.refused
        quiet = [one for one in noisy.answers if one.tag != "t0"]
        return Load(
            capacity=capacity,
            context_cpu=context_cpu,
            refusal_cpu=max(0, used - context_cpu * len(served)) / len(refused),
            alike=alike,
            noisy=noisy,
            alone_p99=p99(alone),
            refused_p99=p99(refused),
            memory=memory,
            quiet_served=len(answered(quiet)) / len(quiet),
            back_after=back_after,
        )

    return asyncio.run(all_of_it())


def p99(answers: list[Answer]) -> float:
    """Return the time within which 99 of 100 were answered."""
    return float(np.percentile([one.seconds for one in answers], 99))


def answered(answers: list[Answer]) -> list[Answer]:
    """Return those that were let in and answered."""
    return [one for one in answers if one.status == 200]


def cpu(server: Server) -> float:
    """Return the seconds of CPU that the service used, whatever else the machine does."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(server: Server) -> int:
    """Return the memory that the service holds now, in bytes."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def held(load: Load) -> None:
    """What holds on any machine: refusals are 503 and say when to come back; memory stays; all goes on."""
    assert load.refused
    assert {one.status for one in load.refused} == {503}
    assert {one.retry for one in load.refused} <= {"1", "2", "3", "4"}
    assert load.memory <= 1.3


def told(load: Load) -> str:
    """Return the figures."""
    alike, noisy = (
        f"goodput {one.goodput / load.capacity:.0%}, p99 of the admitted {one.p99 / load.alone_p99:.1f} x"
        for one in (load.alike, load.noisy)
    )
    return (
        f"memory {load.memory:.2f} x; beside {load.capacity:.0f} contexts a second and the "
        f"{load.alone_p99 * 1000:.0f} ms of one alone: four tenants alike, {alike}; "
        f"a noisy one among four, {noisy}, the quiet ones served {load.quiet_served:.0%}; "
        f"a refusal costs {load.refusal_cpu * 1000:.2f} ms of CPU, a context {load.context_cpu * 1000:.1f}; "
        f"99% refused within {load.refused_p99 * 1000:.0f} ms; back after {load.back_after:.1f} s"
    )


def test_too_much_is_refused_and_the_rest_is_served(server: Server, reached: Reached) -> None:
    """A few seconds of ten times too much."""
    load = measured(server, 4)
    held(load)
    assert min(load.alike.goodput, load.noisy.goodput) > 0
    # One noisy tenant in ten times too much: its own requests are sent away, the others' mostly not.
    assert load.quiet_served > 2 * load.noisy.goodput / (10 * load.capacity)
    reached(told(load))


@pytest.mark.drill
def test_a_minute_of_ten_times_too_much(server: Server, reached: Reached) -> None:
    """A minute of each. The figures depend on what else the machine does: they are noted, then judged."""
    load = measured(server, 60)
    reached(told(load))
    held(load)
    assert min(load.alike.goodput, load.noisy.goodput) >= 0.9 * load.capacity
    assert max(load.alike.p99, load.noisy.p99) <= 2 * load.alone_p99
    assert load.refused_p99 <= 0.02
    assert load.quiet_served >= 0.9
    assert load.back_after <= 5
