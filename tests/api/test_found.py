"""What schemathesis found, each as a small test."""

import pytest


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "a\x7fb", "aüb", "a\x85b"])
def test_names_that_no_header_can_hold_are_told_as_far_as_it_can(face, name):
    answer = face.client.post("/rest/User_Role_List", json={"username": "admin", "password": "a good one", name: 1})
    assert (answer.status_code, answer.headers["X-Carillon-Ignored"]) == (200, "a?b")
