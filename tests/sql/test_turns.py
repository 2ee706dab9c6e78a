"""Turns under the caps: engines that count at the same moment do not both find room."""

import threading

import pytest

from sql import claims, models, models_contacts, models_turns, store, turns
from tests.world import NOW

CAP = 7


def test_a_turn_is_taken_once(opened):
    assert turns.seen(["campaign:1", "trunk:2"]) == {"campaign:1": 0, "trunk:2": 0}
    assert [store.unit(turns.take, "campaign:1", 0) for _ in range(2)] == [True, False]
    assert [store.unit(turns.take, "campaign:1", 1) for _ in range(2)] == [True, False]
    assert turns.seen(["campaign:1", "trunk:2"]) == {"campaign:1": 2, "trunk:2": 0}


def test_a_claim_that_is_lost_takes_no_turn(world):
    picks = [claims.Pick(person, 1, None, None) for person in claims.candidates(world.campaign_id, NOW, 1)]
    world.claim(1)
    seen = {turns.campaign(world.campaign_id): 0, turns.trunk(1): 0}
    with pytest.raises(claims.LostClaim, match="0 of 1"):
        store.unit(claims.claim, world.campaign, picks, "other", NOW, seen)
    assert models_turns.Turn.select().count() == 0


def test_engines_that_race_keep_the_cap(world):
    """Each counts, plans one more call as long as there is room, and claims; the losers count anew."""
    for n in range(40):
        person = models_contacts.Contact.create(contact_group=1, phone=f"+4940{n:07d}", created_at=NOW)
        models.CampaignContact.create(campaign_id=world.campaign_id, contact_id=person.id, phone=person.phone, next_at=NOW)
    owner, start = turns.campaign(world.campaign_id), threading.Barrier(4)

    def engine(n: int) -> None:
        with store.connection():
            start.wait()
            for turn in range(60):
                seen = turns.seen([owner])
                load = models.Call.select().where(models.Call.state.in_(claims.OPEN)).count()
                # each engine has contacts of its own: the cap alone is what they meet at
                people = claims.candidates(world.campaign_id, NOW, 45)[n::4]
                if load >= CAP or not people:
                    return
                pick = claims.Pick(people[0], 1, None, None)
                try:
                    store.unit(claims.claim, world.campaign, [pick], f"node{n}", NOW + turn, seen)
                except claims.LostClaim:
                    continue

    threads = [threading.Thread(target=engine, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert models.Call.select().count() == CAP
    assert turns.seen([owner]) == {owner: CAP}
