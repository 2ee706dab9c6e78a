"""Accounts: whose name is free, who lives, who may change whom, and what ends with an account."""

import threading

import pytest

from sql import keys, models, models_accounts, sessions, store, users
from sql.users import By, Taken, Wrong

NOW = 1_800_000_000_000
ADMIN = By(1, "admin", "")


def make(name: str, role: str = "user", parent: int | None = None) -> int:
    return store.unit(users.create, {"username": name, "password_hash": "x", "role": role}, parent, NOW)


def by(user_id: int) -> By:
    account = users.by_id(user_id)
    return By(user_id, account.role, "" if account.role == "admin" else account.path)


def change(user_id: int, who: By = ADMIN, **changes) -> None:
    store.unit(users.update, user_id, who, changes, NOW)


@pytest.fixture
def tree(opened) -> dict[str, int]:
    """An administrator, a tenant, below it a user, below that an agent."""
    made = {"admin": make("admin", "admin"), "tina": make("tina", "tenant")}
    made["ute"] = make("ute", "user", made["tina"])
    made["alf"] = make("alf", "agent", made["ute"])
    return made


@pytest.mark.parametrize("name", ["Tina", "TINA", "tina"])
def test_names_differ_in_more_than_case(tree, name):
    with pytest.raises(Taken, match=f"username '{name}' is taken"):
        make(name)
    with pytest.raises(Taken):
        change(tree["ute"], username=name)
    change(tree["tina"], username=name)  # its own may be written differently
    assert users.named(name).id == tree["tina"]


def test_a_name_is_written_as_it_was_made(tree):
    assert users.named("tina").id == tree["tina"]
    assert users.named("Tina") is None


def test_a_path_leads_from_the_outermost_account_inwards(tree):
    assert users.by_id(tree["alf"]).path == f"/{tree['tina']}/{tree['ute']}/{tree['alf']}/"


@pytest.mark.parametrize("column", ["active", "deleted_at"])
@pytest.mark.parametrize("ended", ["alf", "ute", "tina"])
def test_an_account_lives_while_all_above_it_do(tree, column, ended):
    store.unit(keys.create, tree["alf"], "k", "a key", "cln_", None, NOW)
    store.unit(sessions.open_, tree["alf"], "a session", None, None, NOW)
    assert users.named("alf")
    assert keys.find("a key", NOW).account
    assert sessions.find("a session", NOW)
    value = False if column == "active" else NOW
    models_accounts.User.update(**{column: value}).where(models_accounts.User.id == tree[ended]).execute()
    assert users.named("alf") is None
    assert "not active" in keys.find("a key", NOW).why
    assert sessions.find("a session", NOW) is None
    assert users.named("admin")


def test_nobody_stands_below_an_agent_or_below_less_than_himself(tree):
    with pytest.raises(Wrong, match="is an agent"):
        make("x", "agent", tree["alf"])
    with pytest.raises(Wrong, match="is a user; nobody below may be more"):
        make("x", "tenant", tree["ute"])
    with pytest.raises(Wrong, match="cannot become admin"):
        change(tree["ute"], role="admin")
    with pytest.raises(Wrong, match="has accounts below it"):
        change(tree["ute"], role="agent")


def test_accounts_do_not_stand_deeper_than_their_paths_can_tell(opened):
    parent = None
    with pytest.raises(Wrong, match="too deep"):
        for n in range(200):
            parent = make(f"u{n}", "user", parent)
    assert len(users.by_id(parent).path) <= 255


@pytest.mark.parametrize(
    ("who", "whom", "says"),
    [("tina", "admin", "not found"), ("ute", "tina", "not found"), ("alf", "ute", "not found")],
)
def test_nobody_changes_an_account_outside_his_own(tree, who, whom, says):
    for verb, more in ((users.update, [{"company": "x"}]), (users.delete, [])):
        with pytest.raises(Wrong, match=says):
            store.unit(verb, tree[whom], by(tree[who]), *more, NOW)


def test_nobody_changes_an_account_of_a_role_above_his_own(tree):
    models_accounts.User.update(role="admin").where(models_accounts.User.id == tree["ute"]).execute()
    with pytest.raises(Wrong, match="is a admin; a tenant may not change it"):
        change(tree["ute"], by(tree["tina"]), password_hash="mine")


def test_one_whose_own_account_has_ended_meanwhile_changes_nothing(tree):
    late = by(tree["tina"])
    change(tree["tina"], active=False)
    with pytest.raises(Wrong, match="your own account was changed meanwhile"):
        change(tree["ute"], late, company="x")


def test_of_two_administrators_who_end_each_other_one_is_left(tree):
    other = make("second", "admin")
    store.unit(users.delete, tree["admin"], By(other, "admin", ""), NOW)
    with pytest.raises(Wrong, match="your own account was changed"):
        store.unit(users.delete, other, ADMIN, NOW)
    with pytest.raises(Wrong, match="the last administrator"):
        store.unit(users.delete, other, By(other, "admin", ""), NOW)


def test_of_administrators_who_end_each_other_at_the_same_moment_one_is_left(tree):
    for round_ in range(8):
        pair = [make(f"left-{round_}", "admin"), make(f"right-{round_}", "admin")]
        models_accounts.User.update(role="user").where(models_accounts.User.id.not_in(pair)).execute()
        ready, outcomes = threading.Barrier(2), []

        def end(whom: int, who: int, ready=ready, outcomes=outcomes) -> None:
            with store.connection():
                ready.wait()
                try:
                    store.unit(users.delete, whom, By(who, "admin", ""), NOW)
                    outcomes.append("done")
                except Wrong as error:
                    outcomes.append(str(error))

        threads = [threading.Thread(target=end, args=args) for args in (pair, reversed(pair))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(outcomes)[0] == "done", outcomes
        assert "your own account was changed meanwhile" in sorted(outcomes)[1] or "is not found" in sorted(outcomes)[1]
        assert len([one for one in pair if users.by_id(one)]) == 1


def test_nobody_deletes_himself_nor_what_has_accounts_below(tree):
    make("second", "admin")
    with pytest.raises(Wrong, match="nobody deletes himself"):
        store.unit(users.delete, tree["admin"], ADMIN, NOW)
    with pytest.raises(Wrong, match="has accounts below it"):
        store.unit(users.delete, tree["tina"], ADMIN, NOW)


def test_what_ends_with_an_account_and_what_stays(world):
    [user_id] = [row.id for row in models_accounts.User.select()]
    admin = make("admin", "admin")
    calls = world.sent(2)
    phone = models.Extension.create(user=user_id, name="desk", username="anna", digest="d", created_at=NOW)
    store.unit(keys.create, user_id, "k", "a key", "cln_", None, NOW)
    store.unit(sessions.open_, user_id, "a session", None, None, NOW)
    store.unit(users.delete, user_id, By(admin, "admin", ""), NOW)
    assert models.Campaign.get_by_id(world.campaign_id).status == "stopped"
    assert {row.id for row in models.Call.select()} == set(calls)
    assert models.Extension.get_by_id(phone.id).deleted_at == NOW
    assert "was deleted" in keys.find("a key", NOW).why
    assert sessions.find("a session", NOW) is None
    assert users.by_id(user_id) is None
    assert users.by_id(make("anna")).id != user_id  # the name is free


def test_a_deactivated_account_stands_down_with_those_below_and_its_keys_come_back(tree):
    store.unit(keys.create, tree["alf"], "k", "a key", "cln_", None, NOW)
    store.unit(sessions.open_, tree["alf"], "a session", None, None, NOW)
    campaign = models.Campaign.create(user=tree["ute"], name="c", created_at=NOW, status="running")
    change(tree["tina"], active=False)
    change(tree["tina"], active=True)
    assert models.Campaign.get_by_id(campaign.id).status == "stopped"
    assert sessions.find("a session", NOW) is None
    assert keys.find("a key", NOW).account.id == tree["alf"]


def test_a_new_password_ends_the_sessions_of_that_account_alone(tree):
    for name in ("ute", "alf"):
        store.unit(sessions.open_, tree[name], f"session of {name}", None, None, NOW)
    change(tree["ute"], password_hash="y")
    assert sessions.find("session of ute", NOW) is None
    assert sessions.find("session of alf", NOW)


def test_a_search_is_exact_in_every_database(tree):
    change(tree["ute"], company="Müller & Söhne")
    assert [row["user_id"] for row in users.found("", None, "company", "Müller & Söhne", 2)] == [tree["ute"]]
    for other in ("müller & söhne", "Muller & Sohne", "Müller & Söhne ", "Müller%"):
        assert users.found("", None, "company", other, 2) == []


def test_lists_hold_what_is_within_the_scope_page_by_page(tree):
    scope = users.by_id(tree["tina"]).path
    assert [row["username"] for row in users.listed(scope, 10, 0)] == ["tina", "ute", "alf"]
    assert [row["username"] for row in users.listed(scope, 1, tree["tina"])] == ["ute"]
    assert len(users.listed("", 10, 0)) == 4
