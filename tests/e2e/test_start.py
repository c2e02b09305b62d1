"""What a start that fails leaves behind."""

import socket
import unittest

from node import NodeTest, run


class Start(NodeTest):
    def test_that_fails_for_its_address_leaves_nothing_in_the_log(self):
        self.node.stop()
        before = run("replay", "--data-dir", self.node.data_dir)
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            _, said = run("serve", "--data-dir", self.node.data_dir, "--listen", address, expect=1)
        self.assertIn(f"can't listen on {address}: Address already in use", said)
        self.assertEqual(run("replay", "--data-dir", self.node.data_dir), before)


if __name__ == "__main__":
    unittest.main()
