"""GET …/keys: search, filters, sort, pages, and cursors that are good for nothing else."""

import base64
import unittest
import urllib.parse

from node import SharedNodeTest, at_once

COUNT = 120


class KeyList(SharedNodeTest):
    def page(self, status=200, token=None, keys=None, **parameters):
        query = urllib.parse.urlencode({name: str(value).lower() if isinstance(value, bool) else value
                                        for name, value in parameters.items()}, quote_via=urllib.parse.quote)
        answer = self.node.get(f"{keys or self.keys}?{query}", token=token or self.token)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def names(self, **parameters):
        return [key["name"] for key in self.page(**parameters)["keys"]]

    def walk(self, **parameters):
        """All pages: what they hold, and the size of each."""
        keys, sizes, cursor = [], [], None
        while True:
            page = self.page(**parameters, **({"cursor": cursor} if cursor else {}))
            keys += page["keys"]
            sizes.append(len(page["keys"]))
            cursor = page["next_cursor"]
            if cursor is None:
                return keys, sizes


class Paging(KeyList):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        token = cls.node.token("many")
        clients = [cls.node.client() for _ in range(8)]
        # Names that repeat, so that pages end between equal ones.
        at_once(*[lambda client=client, i=i: [client.create(token, "many", name=f"name {n % 7}", enabled=n % 3 != 0)
                                              for n in range(i, COUNT, 8)] for i, client in enumerate(clients)])
        for client in clients:
            client.close()

    def setUp(self):
        super().setUp()
        self.keys, self.token = "/v1/accounts/many/keys", self.node.token("many")

    def test_every_key_comes_once_in_each_order_and_size_of_page(self):
        for sort in ("created_at", "name"):
            wanted = sorted(self.page(limit=1000)["keys"], key=lambda key: (sort == "name" and key["name"], key["id"]))
            self.assertEqual(len(wanted), COUNT)
            for order in ("asc", "desc"):
                for limit in (1, 7, 50, 119, 120, 121):
                    with self.subTest(f"{sort} {order} {limit}"):
                        keys, sizes = self.walk(sort=sort, order=order, limit=limit)
                        self.assertEqual(keys, wanted if order == "asc" else wanted[::-1])
                        full, rest = divmod(COUNT, limit)
                        self.assertEqual(sizes, [limit] * full + ([rest] if rest else []))

    def test_without_parameters_the_50_oldest_come_first(self):
        page = self.page()
        self.assertEqual(len(page["keys"]), 50)
        self.assertEqual(page["keys"], self.page(sort="created_at", order="asc", limit=50)["keys"])
        self.assertIsNotNone(page["next_cursor"])

    def test_pages_of_a_filter_hold_all_that_fit(self):
        for enabled in (True, False):
            for sort in ("created_at", "name"):
                keys, sizes = self.walk(enabled=enabled, q="NAME", sort=sort, limit=9)
                self.assertEqual({key["enabled"] for key in keys}, {enabled})
                self.assertEqual(len({key["id"] for key in keys}), COUNT * 2 // 3 if enabled else COUNT // 3)
                self.assertEqual(set(sizes[:-1]), {9})

    def test_a_key_that_comes_or_goes_between_two_pages_moves_no_other(self):
        account = self.account
        token, keys = self.node.token(account), f"/v1/accounts/{account}/keys"
        made = [self.node.create(token, account, name=f"n{i}") for i in range(10)]
        first = self.page(token=token, keys=keys, limit=4)
        for gone in (made[0], made[3], made[5]):
            self.node.delete(f"{keys}/{gone['id']}", token=token)
        new = self.node.create(token, account, name="n0")
        second = self.page(token=token, keys=keys, limit=100, cursor=first["next_cursor"])
        self.assertEqual([key["id"] for key in second["keys"]],
                         [key["id"] for key in made[4:5] + made[6:]] + [new["id"]])

    def test_a_cursor_is_good_for_the_very_same_question_alone(self):
        question = {"limit": 5, "sort": "name", "order": "desc", "enabled": True, "q": "name"}
        cursor = self.page(**question)["next_cursor"]
        self.assertEqual(len(self.page(**{**question, "limit": 7}, cursor=cursor)["keys"]), 7)
        for other in ({"sort": "created_at"}, {"order": "asc"}, {"enabled": False}, {"q": "nam"}, {"q": "NAME"}):
            self.page(400, **{**question, **other}, cursor=cursor)
        for missing in ("sort", "order", "enabled", "q"):
            self.page(400, **{name: value for name, value in question.items() if name != missing}, cursor=cursor)
        other = f"{self.account}-b"
        self.page(400, token=self.node.token(other), keys=f"/v1/accounts/{other}/keys", **question, cursor=cursor)

    def test_a_forged_cursor_is_400(self):
        cursor = self.page(limit=5)["next_cursor"]
        raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        forged = ["", "x", cursor[:-1], cursor[1:], cursor + "A", cursor + "=", cursor.swapcase(), cursor * 2,
                  "A" * 5000]
        for place in range(0, len(raw), max(1, len(raw) // 40)):
            changed = bytes(raw[:place]) + bytes([raw[place] ^ 1]) + bytes(raw[place + 1:])
            forged.append(base64.urlsafe_b64encode(changed).decode().rstrip("="))
        for one in forged:
            self.page(400, limit=5, cursor=one)
        self.page(limit=5, cursor=cursor)


class Filters(KeyList):
    def setUp(self):
        super().setUp()
        self.made = [self.create(name="Nightly SYNC", description="Runs in the Büro at 02:00"),
                     self.create(name="zapier", enabled=False),
                     self.create(name="Äpfel 100%_", description="\U0001f511 key")]

    # Ids and last fours are searched too: what is sought in names is longer, or has a letter that no id has.
    def test_q_finds_parts_of_name_and_description_in_any_ascii_case(self):
        for q, found in (("y sync", ["Nightly SYNC"]), ("nIGHTLY s", ["Nightly SYNC"]), ("büro", ["Nightly SYNC"]),
                         ("BÜRO", []), ("ZAPIER", ["zapier"]), ("Äpfel", ["Äpfel 100%_"]), ("äpfel", []),
                         ("%_", ["Äpfel 100%_"]),
                         ("\U0001f511 KEY", ["Äpfel 100%_"]), (".*", []), ("zapierx", []),
                         ("nightly sync", ["Nightly SYNC"]),
                         ("", ["Nightly SYNC", "zapier", "Äpfel 100%_"])):
            self.assertEqual(self.names(q=q), found, q)

    def test_q_finds_an_id_and_the_last_four_but_no_other_part_of_a_value(self):
        for key in self.made:
            for q in (key["id"], key["id"].lower(), key["id"][10:], key["value"][-4:], key["value"][-4:].lower()):
                self.assertIn(key["name"], self.names(q=q), q)
            self.assertEqual(self.names(q=key["id"]), [key["name"]])
            for q in (key["value"], key["value"][-5:], key["value"][3:12], key["value_hint"]):
                self.assertEqual(self.names(q=q), [], q)

    def test_enabled_chooses_either(self):
        self.assertEqual(self.names(enabled=True), ["Nightly SYNC", "Äpfel 100%_"])
        self.assertEqual(self.names(enabled=False), ["zapier"])
        self.assertEqual(self.names(enabled=False, q="y sync"), [])

    def test_names_are_sorted_by_their_characters(self):
        self.assertEqual(self.names(sort="name"), ["Nightly SYNC", "zapier", "Äpfel 100%_"])
        self.assertEqual(self.names(sort="name", order="desc"), ["Äpfel 100%_", "zapier", "Nightly SYNC"])

    def test_a_change_moves_a_key_to_its_new_place(self):
        self.node.patch(f"{self.keys}/{self.made[1]['id']}", {"name": "A", "enabled": True}, token=self.token)
        self.assertEqual(self.names(sort="name"), ["A", "Nightly SYNC", "Äpfel 100%_"])
        self.assertEqual(self.names(), ["Nightly SYNC", "A", "Äpfel 100%_"])
        self.assertEqual(self.names(enabled=False), [])
        self.assertEqual(self.names(q="zapier"), [])

    def test_a_parameter_out_of_its_bounds_is_400(self):
        for parameters in ({"limit": 0}, {"limit": 1001}, {"limit": -1}, {"limit": "1e2"}, {"limit": ""},
                           {"limit": " 1"},
                           {"enabled": "1"}, {"enabled": "TRUE"}, {"enabled": ""}, {"sort": "id"}, {"sort": ""},
                           {"order": "up"}, {"q": "a" * 801}, {"cursor": ""}, {"page": 2}):
            self.page(400, **parameters)
        for parameters in ({"limit": 1}, {"limit": 1000}, {"q": "a" * 800}):
            self.page(200, **parameters)

    def test_a_plus_is_a_space_as_forms_write_it(self):
        self.create(name="a+b c")
        for query, found in (("q=a%2Bb", 1), ("q=a+b", 0), ("q=b%20c", 1), ("q=b+c", 1)):
            answer = self.node.get(f"{self.keys}?{query}", token=self.token)
            self.assertEqual(len(answer.json["keys"]), found, query)

    def test_an_account_that_has_none_or_that_nobody_knows_has_an_empty_list(self):
        token = self.node.token("nobody-yet")
        self.assertEqual(self.page(token=token, keys="/v1/accounts/nobody-yet/keys"), {"keys": [], "next_cursor": None})
        for key in self.made:
            self.node.delete(f"{self.keys}/{key['id']}", token=self.token)
        self.assertEqual(self.page(), {"keys": [], "next_cursor": None})


if __name__ == "__main__":
    unittest.main()
