"""Customers with trunks of their own, and what each of them is to show: the cases of test_trunks."""

from dataclasses import dataclass, field
from typing import Any

from dialplan import evaluation
from dialplan.client import Client
from tests.live.demanding import FAR, NEAR, PASSWORD, Demanding
from tests.live.house import House, wait_for


@dataclass
class Case:
    """A customer with trunks of his own, and a campaign over them. `trunks`: fields of each, best first."""

    trunks: list[dict[str, Any]]
    numbers: list[str]
    campaign: dict[str, Any] = field(default_factory=dict)
    customer: "Customer | None" = None
    id: int = 0


def account(name: str, **more: Any) -> dict[str, Any]:
    return {"username": name, "password": PASSWORD} | more


CASES = {
    "digest": Case([account("digest")], ["+49302000101"], {"caller_id": "+4930555"}),
    "near": Case([account("digest", host=NEAR)], ["+49302000102"]),
    "wrong": Case([account("digest", password="wrong"), account("ulaw")], ["+49302000103"]),
    "alone": Case([account("digest", password="wrong")], [f"+493020004{n:02d}" for n in range(9)], {"max_channels": 1}),
    "absent": Case([account("absent")], ["+49302000106"]),
    "member": Case([account("member", register=True)], ["+49302000107"]),
    "unknown": Case([{"caller_id": "+4930777"}], ["+49302000108"]),
    "late": Case([account("late", register=True, password="wrong")], ["+49302000161"]),
    "asked": Case([account("digest", qualify=1)], ["+49302000109"]),
    "ulaw": Case([account("ulaw", codecs="ulaw")], ["+49302000111"]),
    "alaw": Case([account("alaw", codecs="alaw")], ["+49302000112"]),
    "g722": Case([account("g722", codecs="g722")], ["+49302000113"]),
    "gsm": Case([account("gsm", codecs="gsm")], ["+49302000114"]),
    "choice": Case([account("alaw", codecs="gsm,g722,alaw")], ["+49302000115"]),
    "nocodec": Case([account("gsm", codecs="ulaw"), account("ulaw")], ["+49302000116"], {"max_attempts": 3}),
    "plain": Case([account("digest", number_format="plain", caller_id="+4930666")], ["+49302000121"]),
    "added": Case([account("digest", add_prefix="0099")], ["+49302000122"]),
    "from": Case([account("digest", caller_id_in="from", caller_id="+4930888")], ["+49302000123"]),
    "nobody": Case([{}], ["+49302000124"]),
    "prefix": Case(
        [account("ulaw", prefix="+44"), account("alaw", prefix="+43,+4930", codecs="alaw"), account("digest")],
        ["+442079460001", "+43720880001", "+49302000131", "+49892000132"],
    ),
    "congested": Case([account("congested"), account("digest")], ["+49302000141"]),
    "channels": Case([account("slow", max_channels=2)], [f"+493020002{n:02d}" for n in range(5)], {"max_channels": 9, "cps": 9}),
    "cps": Case([account("capped", cps=3)], [f"+493020003{n:02d}" for n in range(8)], {"max_channels": 9, "cps": 9}),
}  # fmt: skip


class Customer:
    def __init__(self, house: House, name: str) -> None:
        self.house, self.name = house, name
        self.user_id = house.root.call("User_Create", user={"username": name, "password": "a good one"})
        self.client = Client(house.url, name, "a good one")
        self.message = self.client.call("Recording_Create", files={"media": evaluation.tone(0.5)}, title="short")

    def trunk(self, far: Demanding, n: int = 1, **fields: Any) -> int:
        wanted = {"name": f"{self.name}-{n}", "host": FAR, "port": far.port, "priority": n, "user_id": self.user_id} | fields
        return self.house.root.call("Trunk_Create", trunk=wanted)

    def start(self, *numbers: str, **fields: Any) -> int:
        group = self.client.call("Contact_Group_Create", contact_group={"name": "g"})
        self.client.call(
            "Contact_Import", files={"source_file": "".join(f"{number}\n" for number in numbers).encode()}, contact_group_id=group
        )
        campaign = self.client.call("Campaign_Create", campaign={"contact_group_id": group, "message": self.message} | fields)
        self.client.call("Campaign_Start", campaign_id=campaign)
        return campaign

    def calls(self, campaign: int) -> list[dict[str, Any]]:
        return self.client.call("Campaign_Result", campaign_id=campaign)

    def ended(self, campaign: int) -> list[dict[str, Any]]:
        wait_for(f"the end of {self.name}'s campaign", lambda: self.status(campaign)["status"] == "completed")
        return self.calls(campaign)

    def called(self, number: str) -> dict[str, Any]:
        """The one call to a number, from start to end."""
        [call] = self.ended(self.start(number))
        return call

    def status(self, campaign: int) -> dict[str, Any]:
        return self.client.call("Campaign_Status", campaign_id=campaign)

    def held(self, campaign: int, text: str, seconds: float = 10) -> str:
        """What holds the campaign, once it says `text`."""
        wait_for(text, lambda: text in (self.status(campaign)["holding"] or ""), seconds)
        return self.status(campaign)["holding"]
