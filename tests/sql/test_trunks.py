"""Which version of each trunk a node's Asterisk has loaded, and how it has them."""

from sql import claims, models, nodes, trunks
from tests.world import NOW

WAITS = trunks.State(registered=False, reachable=True, why="it is not registered yet")


def seen(node: str = "main") -> dict[int, tuple[bool, str | None]]:
    """What the engine of that node makes of it."""
    return {trunk.id: (trunk.loaded, trunk.unusable) for trunk in claims.trunks(node)}


def test_only_news_are_written(world):
    assert trunks.loaded("main", {1: 1}) is False, "the world begins so"
    assert trunks.loaded("main", {1: 1}, {1: WAITS}) is True
    assert trunks.loaded("main", {1: 1}, {1: WAITS}) is False
    assert seen() == {1: (True, WAITS.why)}
    assert seen("other") == {1: (False, None)}
    assert trunks.loaded("main", {1: 1}, {1: trunks.State(True, True)}) is True
    assert seen() == {1: (True, None)}
    assert trunks.loaded("main", {}) is True
    assert seen() == {1: (False, None)}


def test_a_reason_of_any_length_is_kept_as_far_as_it_fits(world):
    trunks.loaded("main", {1: 1}, {1: trunks.State(False, None, "x" * 500)})
    assert trunks.loaded("main", {1: 1}, {1: trunks.State(False, None, "x" * 500)}) is False
    assert seen() == {1: (True, "x" * 200)}


def test_every_node_is_told_of_with_every_trunk(world):
    second = trunks.create(name="second", host="h")
    gone = trunks.create(name="gone", host="h")
    trunks.delete(gone, NOW)
    nodes.take("idle", "process", None, NOW)
    trunks.loaded("main", {1: 1, second: 1, gone: 1}, {1: WAITS})
    trunks.change(second, cps=3)
    told = {trunk_id: {one.node: one for one in found} for trunk_id, found in trunks.on_nodes().items()}
    assert told[1] == {
        "idle": trunks.OnNode(node="idle"),
        "main": trunks.OnNode(False, True, WAITS.why, "main", loaded=True),
    }
    assert told[second]["main"] == trunks.OnNode(node="main"), "of an older version nothing counts"
    assert gone not in told


def test_a_change_ends_a_trunk_s_rest(world):
    models.Trunk.update(down_until=NOW + 30_000, down_why="the trunk does not answer").execute()
    [resting] = trunks.listed(NOW)
    assert (resting.down_until, resting.down_why) == (NOW + 30_000, "the trunk does not answer")
    [over] = trunks.listed(NOW + 30_000)
    assert (over.down_until, over.down_why) == (None, None)
    trunks.change(1, cps=3)
    assert trunks.listed(NOW)[0].down_until is None
