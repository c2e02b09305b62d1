"""Real Kafka for tests: `Cluster` starts brokers, `Broker` can be stopped, killed and paused, `Proxy` is a bad network.

    with Cluster(brokers=3) as cluster:
        create_topic(cluster.bootstrap, "facts", replication=3)
        cluster.brokers[0].kill()

To be found it takes tests/support in PYTHONPATH. with_kafka.py gives a broker to a program in any language.
"""

import pathlib
import sys

# For ports.py.
sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))

# pylint: disable=wrong-import-position
from .broker import Broker  # noqa: E402
from .cluster import Cluster  # noqa: E402
from .jars import NoBroker  # noqa: E402
from .proxy import Proxy  # noqa: E402
from .topics import acls, configs, create_topic, move_leaders, topics  # noqa: E402

__all__ = ["Broker", "Cluster", "NoBroker", "Proxy", "acls", "configs", "create_topic", "move_leaders", "topics"]
