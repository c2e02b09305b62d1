"""A key's own resource: made, read, changed, revealed and deleted, with versions and limits."""

import unittest

from node import SharedNodeTest, openapi_check
from operations import MISSING_KEY

WORD = "Ключ \U0001f511 clé"  # Two, four and one bytes a character.
LONG_NAME = (WORD * 20)[:200]
LONG_TEXT = ("Zeile\n\tü\U0001f511" * 300)[:2000]


class Keys(SharedNodeTest):
    def path(self, key):
        return f"{self.keys}/{key['id']}"

    def patch(self, key, members, status=200, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.node.patch(self.path(key), members, token=self.token, headers=headers)
        self.assertEqual(answer.status, status, answer)
        return answer

    def get(self, key, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.node.get(self.path(key), token=self.token, headers=headers)

    def types_since(self, key):
        answer = self.node.get(f"{self.path(key)}/events", token=self.token)
        return [event["type"].removeprefix("keyledger.") for event in answer.json["events"]][1:]


class Creating(Keys):
    def test_a_name_is_enough_and_the_rest_has_defaults(self):
        answer = self.node.post(self.keys, {"name": "a"}, token=self.token)
        key = answer.json
        self.assertEqual(answer.status, 201)
        self.assertEqual((key["name"], key["description"], key["enabled"], key["expires_at"], key["version"]),
                         ("a", None, True, None, 1))
        self.assertEqual(key["value_hint"], "kl_…" + key["value"][-4:])
        self.assertEqual((answer.headers["location"], answer.headers["etag"]), (self.path(key), '"v1"'))
        self.assertEqual(self.get(key).json, {name: key[name] for name in key if name != "value"})

    def test_every_member_is_kept_as_it_was_given(self):
        key = self.create(name=LONG_NAME, description=LONG_TEXT, enabled=False,
                          expires_at="2999-12-31T23:00:00.5-01:00")
        shown = self.get(key).json
        self.assertEqual((shown["name"], shown["description"], shown["enabled"], shown["expires_at"]),
                         (LONG_NAME, LONG_TEXT, False, "3000-01-01T00:00:00.500000Z"))
        self.assertEqual(self.node.verify(key["value"])["name"], LONG_NAME)
        self.assertEqual(self.types_since(key), [])  # One KeyCreated, also of a disabled key.

    def test_null_and_an_empty_description_are_none(self):
        for members in ({"description": None, "expires_at": None}, {"description": ""}):
            key = self.create(**members)
            self.assertEqual((key["description"], key["expires_at"]), (None, None))

    def test_names_may_be_equal_and_values_and_ids_never_are(self):
        keys = [self.create(name="same") for _ in range(20)]
        self.assertEqual(len({key["id"] for key in keys}), 20)
        self.assertEqual(len({key["value"] for key in keys}), 20)
        self.assertEqual([key["id"] for key in keys], sorted(key["id"] for key in keys))

    def test_characters_are_neither_folded_nor_composed(self):
        for name in ("e\u0301", "\u00e9", " a ", "\u202etxt", "'; drop table keys; --", "<b>\"&amp;\\", "\ufeffa",
                     "\u2028"):
            self.assertEqual(self.get(self.create(name=name)).json["name"], name)

    def test_a_leap_second_or_any_past_is_no_expiry(self):
        for at in ("2020-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2999-12-31T23:59:60Z", "2999-1-1T00:00:00Z"):
            answer = self.node.post(self.keys, {"name": "a", "expires_at": at}, token=self.token)
            self.assertEqual((answer.status, answer.json["errors"][0]["pointer"]), (422, "/expires_at"), at)


class Reading(Keys):
    def test_if_none_match_saves_the_body_of_a_version_that_is_known(self):
        key = self.create()
        for tags in ('"v1"', 'W/"v1"', '"v0", "v1"', "*", '"x" ,W/"v1"'):
            answer = self.get(key, If_None_Match=tags)
            self.assertEqual((answer.status, answer.body, answer.headers["etag"]), (304, b"", '"v1"'), tags)
        for tags in ('"v2"', "v1", '"V1"', '"v10"', "", '"v1'):
            self.assertEqual(self.get(key, If_None_Match=tags).status, 200, tags)
        self.patch(key, {"name": "b"})
        self.assertEqual(self.get(key, If_None_Match='"v1"').json["version"], 2)

    def test_a_key_is_not_found_under_another_account(self):
        key = self.create()
        other = f"{self.account}-b"
        token = self.node.token(other)
        self.node.create(token, other)
        for path in (f"/v1/accounts/{other}/keys/{key['id']}", f"/v1/accounts/{other}/keys/{key['id']}/events"):
            self.assertEqual(self.node.get(path, token=token).status, 404)
        self.assertEqual(self.node.delete(f"/v1/accounts/{other}/keys/{key['id']}", token=token).status, 404)
        self.assertEqual(self.get(key).json["version"], 1)

    def test_reveal_gives_the_value_and_leaves_a_trace_but_no_new_version(self):
        key = self.create()
        for _ in range(2):
            answer = self.node.post(f"{self.path(key)}/reveal", token=self.token)
            self.assertEqual((answer.status, answer.json), (200, {"value": key["value"]}))
            self.assertEqual(answer.headers["cache-control"], "no-store")
        self.patch(key, {"enabled": False})
        self.assertEqual(self.node.post(f"{self.path(key)}/reveal", {}, token=self.token).json, {"value": key["value"]})
        self.assertEqual(self.get(key).json["version"], 2)
        self.assertEqual(self.types_since(key), ["KeyValueRevealed"] * 2 + ["KeyDisabled", "KeyValueRevealed"])


class Changing(Keys):
    def test_what_is_not_named_stays_and_null_clears(self):
        key = self.create(name="a", description="b", expires_at="2999-01-01T00:00:00Z")
        changed = self.patch(key, {"name": LONG_NAME, "description": LONG_TEXT}).json
        self.assertEqual(changed, {**self.get(key).json, "name": LONG_NAME, "description": LONG_TEXT, "enabled": True,
                                   "expires_at": "2999-01-01T00:00:00.000000Z", "version": 3})
        cleared = self.patch(key, {"description": None, "expires_at": None})
        self.assertEqual((cleared.json["description"], cleared.json["expires_at"]), (None, None))
        self.assertEqual((cleared.json["version"], cleared.headers["etag"]), (5, '"v5"'))

    def test_three_changes_are_three_events_that_are_appended_together(self):
        key = self.create()
        self.patch(key, {"name": "b", "enabled": False, "expires_at": "2999-01-01T00:00:00Z", "reason": "why"})
        events = self.events()[-3:]
        self.assertEqual([event["type"].removeprefix("keyledger.") for event in events],
                         ["KeyRenamed", "KeyExpiryChanged", "KeyDisabled"])
        self.assertEqual([event["commandplace"] for event in events], ["1/3", "2/3", "3/3"])
        self.assertEqual([event["keyversion"] for event in events], [2, 3, 4])
        self.assertEqual([event["data"]["reason"] for event in events], ["why"] * 3)
        self.assertEqual(len({event["commandid"] for event in events}), 1)
        first = events[0]["position"]
        self.assertEqual([event["position"] for event in events], [first, first + 1, first + 2])
        self.assertEqual(self.get(key).json["version"], 4)

    def test_a_patch_that_changes_nothing_yields_no_event_and_no_version(self):
        key = self.create(name="a", description="b")
        before = len(self.events())
        for members in ({}, {"name": "a"}, {"name": "a", "description": "b", "enabled": True, "expires_at": None},
                        {"reason": "only a reason"}):
            answer = self.patch(key, members)
            self.assertEqual((answer.json["version"], answer.headers["etag"]), (1, '"v1"'))
        self.assertEqual(len(self.events()), before)

    def test_both_types_of_a_patch_are_taken(self):
        key = self.create()
        for version, media_type in ((2, "application/json"), (3, "application/merge-patch+json; charset=utf-8")):
            answer = self.patch(key, {"name": f"n{version}"}, Content_Type=media_type)
            self.assertEqual(answer.json["version"], version)

    def test_an_expired_key_is_changed_like_any_other(self):
        key = self.create(expires_at="2999-01-01T00:00:00Z")
        past = self.node.patch(self.path(key), {"name": "b", "expires_at": "2001-01-01T00:00:00Z"}, token=self.token)
        self.assertEqual((past.status, past.json["errors"][0]["pointer"]), (422, "/expires_at"))
        self.assertEqual(self.get(key).json["name"], "a key")  # All of a patch or nothing.

    def test_if_match_lets_only_the_version_that_was_read_be_changed(self):
        key = self.create()
        self.assertEqual(self.patch(key, {"name": "b"}, If_Match='"v1"').json["version"], 2)
        for tag in ('"v1"', '"v3"', 'W/"v2"', '"x"', '"v02"', '"v99999999999999999999"', '""'):
            answer = self.patch(key, {"name": "c"}, 412, If_Match=tag)
            self.assertEqual(answer.json["type"], "urn:keyledger:problem:version-mismatch", tag)
        for tag in ("v2", '"v2', "", '"v2" "v3"', "W/", "**", "\u00e9"):
            self.assertEqual(self.patch(key, {"name": "c"}, 400, If_Match=tag).json["status"], 400, tag)
        self.assertEqual(self.patch(key, {"name": "d"}, If_Match="*").json["version"], 3)
        gone = self.node.delete(self.path(key), token=self.token, headers={"If-Match": '"v2"'})
        self.assertEqual(gone.status, 412)
        gone = self.node.delete(self.path(key), token=self.token, headers={"If-Match": '"v3"'})
        self.assertEqual(gone.status, 204)

    def test_a_stale_patch_that_would_change_nothing_is_412_too(self):
        key = self.create(name="a")
        self.patch(key, {"name": "b"})
        self.patch(key, {"name": "b"}, 412, If_Match='"v1"')

    def test_a_key_that_is_not_there_is_404_before_its_version_is_asked(self):
        answer = self.node.patch(f"{self.keys}/{MISSING_KEY}", {"name": "b"}, token=self.token,
                                 headers={"If-Match": '"v1"'})
        self.assertEqual(answer.status, 404)


class Deleting(Keys):
    def test_it_is_gone_for_good_and_its_history_is_not(self):
        key = self.create()
        answer = self.node.delete(f"{self.path(key)}?reason=laptop%20lost%3A%20%F0%9F%94%91", token=self.token)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(self.get(key).status, 404)
        self.patch(key, {"name": "b"}, 404)
        self.assertEqual(self.node.delete(self.path(key), token=self.token).status, 404)
        self.assertEqual(self.node.post(f"{self.path(key)}/reveal", token=self.token).status, 404)
        last = self.events()[-1]
        self.assertEqual((last["type"], last["data"]["reason"], last["keyversion"]),
                         ("keyledger.KeyDeleted", "laptop lost: \U0001f511", 2))

    def test_a_reason_is_1_to_500_characters(self):
        for reason, status in (("", 400), ("a" * 501, 400), ("a%0Ab", 400), ("%ff", 400), ("%C3%A4" * 500, 204)):
            answer = self.node.delete(f"{self.path(self.create())}?reason={reason}", token=self.token)
            self.assertEqual(answer.status, status, reason[:20])
        key = self.create()
        self.patch(key, {"name": "b", "reason": "ü" * 500})
        self.assertEqual(self.events()[-1]["data"]["reason"], "ü" * 500)

    def test_the_events_are_those_of_the_schemas(self):
        key = self.create(name=LONG_NAME, description=LONG_TEXT)
        self.patch(key, {"name": "b", "description": None, "enabled": False, "expires_at": "2999-01-01T00:00:00Z"})
        self.node.delete(self.path(key), token=self.token)
        for event in self.events():
            openapi_check.check_event(event)


if __name__ == "__main__":
    unittest.main()
