"""The database goes away during calls, in every way it can: nobody is dialled twice, nobody is lost, and every outcome is pushed."""

import itertools
import random
import re
import threading
import time

import pytest

from dialplan.client import MethodRefused
from tests.fakes.cutter import Cutter
from tests.live.house import House, wait_for
from tests.live.test_killed import SEED, endings, judge

CPS = 12


@pytest.fixture
def cutter(own_mariadb):
    """In front of a MariaDB that the test may kill; it cuts connections."""
    made = Cutter("127.0.0.1", own_mariadb.port)
    yield made
    made.close()


@pytest.fixture
def house(asterisk, tmp_path, own_mariadb, cutter):
    url = re.sub(r":[0-9]+/", f":{cutter.port}/", own_mariadb.empty("house"))
    with House(tmp_path, url) as one:
        yield one


def lose(cutter: Cutter, stop: threading.Event) -> None:
    """Cut at a commit again and again: one time it arrives and its answer is lost, one time it does not arrive."""
    for arrives in itertools.cycle((True, False)):
        if stop.wait(0.4):
            return
        cutter.cut_at, cutter.arrives = b"COMMIT", arrives


def test_killed_servers_and_lost_answers(house, own_mariadb, cutter):
    survive(house, own_mariadb, cutter, contacts=72, round=0)


@pytest.mark.soak
@pytest.mark.parametrize("round", range(5))
def test_killed_servers_and_lost_answers_often(house, own_mariadb, cutter, round):
    survive(house, own_mariadb, cutter, contacts=240, round=round)


def survive(house: House, server, cutter: Cutter, contacts: int, round: int) -> None:
    """Engine, push worker and the server itself are killed, and commits' answers lost, while calls are made."""
    dice = random.Random(SEED + round)
    print(f"seed {SEED}, round {round}")
    numbers, stop = endings(contacts), threading.Event()
    campaign = house.campaign(numbers, cps=CPS, max_channels=100)
    house.start(campaign)
    thread = threading.Thread(target=lose, args=(cutter, stop))
    thread.start()
    try:
        for what in ("server", "engine", "server", "push"):
            time.sleep(dice.uniform(0.2, 1.0) * contacts / CPS / 4)
            if what == "server":
                server.stop(kill=True)
                time.sleep(dice.uniform(0.0, 1.5))
                server.start()
            else:
                house.kill(what)
    finally:
        stop.set()
        thread.join()
    cutter.cut_at = None
    assert cutter.cuts > 3
    wait_for("the API", lambda: answers(house))
    judge(house, numbers, house.finish(campaign, 120))


def answers(house: House) -> bool:
    try:
        return bool(house.root.call("User_Role_List"))
    except (OSError, MethodRefused):
        return False
