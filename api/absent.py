"""The families of methods that the ICTContact document has and Carillon does not offer. Knows no method that it does."""

FAMILIES = {"fax": "fax", "document": "documents", "template": "templates", "sms": "SMS", "email": "email"}


def not_offered(method: str) -> str | None:
    """One sentence, if this is a method of those families: `Fax_Create`, `Campaign_Sendfax_Create`, `Message_Template_List`."""
    if not (method.isascii() and method.replace("_", "").isalpha() and "_" in method):
        return None
    for part in method.lower().split("_"):
        if family := FAMILIES.get(part.removeprefix("send")):
            return f"{method[:80]} is not offered: Carillon does no {family}, only voice calls"
    return None
