"""The kill switch: thrown once, told who threw it, lifted by anybody who may."""

from sql import halts, models, store
from sql.states import Halted
from tests.world import NOW


def test_nothing_is_halted_at_first(world):
    assert halts.active() is None
    assert store.unit(halts.lift, 1, NOW) is False


def test_it_is_thrown_and_lifted(world):
    thrown = store.unit(halts.throw, 1, "wrong list", NOW)
    assert thrown == halts.active() == Halted(NOW, "anna", "wrong list")
    assert store.unit(halts.lift, 1, NOW + 5) is True
    assert halts.active() is None
    row = models.Halt.get()
    assert (row.lifted_at, row.lifted_by_user_id) == (NOW + 5, 1)


def test_thrown_again_it_stays_as_it_is(world):
    store.unit(halts.throw, 1, "first", NOW)
    assert store.unit(halts.throw, 99, "second", NOW + 5) == Halted(NOW, "anna", "first")
    assert models.Halt.select().count() == 1


def test_after_a_race_lifting_closes_all(world):
    for at in (NOW, NOW + 1):
        models.Halt.create(at=at, by_user_id=99, reason=None)
    assert halts.active() == Halted(NOW, "user 99", None)
    store.unit(halts.lift, 1, NOW + 5)
    assert halts.active() is None
