"""The table of the matrix: each operation's roles (admin, tenant, user, g for agent), and a sample of what it is asked.

`Ref("campaign")` in a sample is the campaign of whoever's turn it is.
"""

from typing import Any

from dialplan.evaluation import tone
from tests.api.tenancy import Ref

USER, GROUP, CONTACT, CAMPAIGN = Ref("user"), Ref("group"), Ref("contact"), Ref("campaign")
RECORDING, EXTENSION, ENDPOINT, TRUNK = Ref("recording"), Ref("extension"), Ref("endpoint"), Ref("trunk")
NAMED = {"name": "renamed"}
VOICE = {"contact_group_id": GROUP, "message": RECORDING}
TO_KEY = VOICE | {"extension_key": "1", "extension_id": EXTENSION}
SIP = {"name": "new", "host": "127.0.0.1"}
ROWS = b"+4930777001\n+4930777002\n"

TABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "User_Create": ("at", {"user": {"username": "fresh", "password": "quite a good one", "role": "user"}}),
    "User_Update": ("atug", {"user_id": USER, "user": {"first_name": "Renamed"}}),
    "User_Get": ("atug", {"user_id": USER}),
    "User_List": ("at", {}),
    "User_Delete": ("at", {"user_id": USER}),
    "User_Role_List": ("atug", {}),
    "User_Login": ("atug", {}),
    "User_Logout": ("atug", {"session_id": "0123456789abcdefghijKLMNOP"}),
    "User_Payment_Create": ("at", {"user_id": USER, "value": 1}),
    "User_Payment_List": ("atu", {"user_id": USER}),
    "User_Extension_Create": ("atu", {"user_id": USER, "extension": {"name": "desk"}}),
    "User_Extension_List": ("atug", {"user_id": USER}),
    "User_Extension_Delete": ("atu", {"extension_id": EXTENSION}),
    "User_Key_Create": ("atug", {"name": "crm"}),
    "User_Key_List": ("atug", {"user_id": USER}),
    "User_Key_Delete": ("atug", {"key_id": Ref("key")}),
    "Campaign_Create": ("atu", {"campaign": VOICE}),
    "Campaign_Interactive_Create": ("atu", {"campaign": TO_KEY}),
    "Campaign_List": ("atug", {"usr_id": USER}),
    "Campaign_List_Mode": ("atug", {"usr_id": USER, "status": "ready"}),
    "Campaign_List_Permanent": ("atug", {"usr_id": USER}),
    "Campaign_Filter": ("atug", {"search": {}}),
    "Campaign_Get": ("atug", {"campaign_id": CAMPAIGN}),
    "Campaign_Update": ("atu", {"campaign_id": CAMPAIGN, "campaign": NAMED | {"message": Ref("spare recording")}}),
    "Campaign_Delete": ("atu", {"campaign_id": CAMPAIGN}),
    "Campaign_Start": ("atu", {"campaign_id": CAMPAIGN}),
    "Campaign_Stop": ("atu", {"campaign_id": CAMPAIGN}),
    "Campaign_Status": ("atug", {"campaign_id": CAMPAIGN}),
    "Campaign_Summary": ("atug", {"campaign_id": CAMPAIGN}),
    "Campaign_Result": ("atug", {"campaign_id": CAMPAIGN}),
    "Campaign_Contact_Create": ("atu", {"campaign_id": CAMPAIGN, "contact_id": CONTACT}),
    "Campaign_Contact_Import": ("atu", {"campaign_id": CAMPAIGN, "source_file": ROWS}),
    "Call_Get": ("atug", {"call_id": Ref("call")}),
    "Contact_Create": ("atu", {"contact": {"phone": "+4930555001"}, "contact_group_id": GROUP}),
    "Contact_Get": ("atu", {"contact_id": CONTACT}),
    "Contact_List": ("atu", {"search": {"contact_group_id": GROUP}}),
    "Contact_Update": ("atu", {"contact_id": CONTACT, "contact": {"first_name": "Renamed"}}),
    "Contact_Delete": ("atu", {"contact_id": CONTACT}),
    "Contact_Timeline": ("atu", {"contact_id": CONTACT}),
    "Contact_Import": ("atu", {"contact_group_id": GROUP, "source_file": ROWS}),
    "Contact_Group_Create": ("atu", {"contact_group": NAMED}),
    "Contact_Group_Get": ("atu", {"contact_group_id": GROUP}),
    "Contact_Group_List": ("atu", {}),
    "Contact_Group_Update": ("atu", {"contact_group_id": GROUP, "contact_group": NAMED}),
    "Contact_Group_Delete": ("atu", {"contact_group_id": Ref("spare group")}),
    "Import_Get": ("atu", {"import_id": Ref("import")}),
    "Recording_Create": ("atu", {"title": "new", "media": tone(0.1)}),
    "Recording_List": ("atug", {}),
    "Recording_Get": ("atug", {"recording_id": RECORDING}),
    "Recording_Delete": ("atu", {"recording_id": Ref("spare recording")}),
    "Disposition_Create": ("atu", {"disposition": NAMED}),
    "Push_Endpoint_Create": ("atu", {"endpoint": {"url": "https://crm.example.com/", "campaign_id": CAMPAIGN}}),
    "Push_Endpoint_List": ("atu", {}),
    "Push_Endpoint_Update": ("atu", {"endpoint_id": ENDPOINT, "endpoint": {"active": True}}),
    "Push_Endpoint_Delete": ("atu", {"endpoint_id": ENDPOINT}),
    "Push_Endpoint_Test": ("atu", {"endpoint_id": ENDPOINT}),
    "Push_Delivery_List": ("atu", {"endpoint_id": ENDPOINT}),
    "Push_Replay": ("atu", {"delivery_id": Ref("delivery")}),
    "Trunk_Create": ("a", {"trunk": SIP | {"user_id": USER}}),
    "Trunk_List": ("a", {}),
    "Trunk_Update": ("a", {"trunk_id": TRUNK, "trunk": NAMED}),
    "Trunk_Delete": ("a", {"trunk_id": TRUNK}),
    "System_Stop": ("a", {"reason": "test"}),
    "System_Start": ("a", {}),
}

# What the rules beside ownership refuse: (operation, caller, relation) and words of the sentence.
SPECIAL: dict[tuple[str, str, str], str] = {
    ("User_Delete", "admin", "own"): "administrator",
    ("User_Delete", "admin", "below"): "below",
    ("User_Delete", "acme", "own"): "nobody deletes himself",
    ("User_Delete", "acme", "below"): "has accounts below it",
    ("User_Payment_Create", "acme", "own"): "nobody pays himself",
    ("User_Payment_Create", "acme", "below"): "your own credit is 0",
    **{("User_Logout", caller, "own"): "you have no such session" for caller in ("admin", "acme", "anna", "alf")},
}
# Things of which a sample names several that must be the same account's, by their place in it.
OF_ONE_ACCOUNT = {"Campaign_Interactive_Create": (0, 2)}
# What is searched for and may not be seen is an empty list.
SEARCHES = {"Contact_List"}
