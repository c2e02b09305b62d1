"""compose.yaml and what its containers are given, as far as that can be held against the program without an engine."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import nginx
import yaml
from node import DEADLINE, KEYLEDGER, ROOT, Node, eventually, run

DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
NODES = {name: service for name, service in SERVICES.items() if (service.get("command") or [""])[0] == "serve"}
PROMTOOL = shutil.which("promtool")


def output_of(*command, expect=0):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, timeout=DEADLINE)
    assert done.returncode == expect, f"{command} ended with {done.returncode}: {done.stdout}"
    return done.stdout


def options(service):
    """--name=value, as [(name, value)]."""
    return [tuple(word.split("=", 1)) for word in service["command"][1:]]


def listeners(service):
    return {value for name, value in options(service) if name in ("--listen", "--verify-listen")}


class Compose(unittest.TestCase):
    def test_is_accepted_by_docker_compose(self):
        self.assertEqual(output_of("docker-compose", "--file", ROOT / "compose.yaml", "config", "--quiet"), "")

    def test_starts_nodes_with_options_and_variables_that_they_have(self):
        known = run("serve", "--help")[0]
        self.assertEqual(set(NODES), {"command-1", "command-2", "verify-1", "verify-2"})
        for name, service in NODES.items():
            for option, _ in options(service):
                self.assertRegex(known, f"\n  {re.escape(option)} ", name)
            for variable in service.get("environment", {}):
                self.assertIn(f"(Env:{variable})", known, name)

    def test_every_node_has_the_same_brokers_and_a_ring_of_its_kind(self):
        brokers = {dict(options(service))["--kafka.bootstrap"] for service in NODES.values()}
        prepare, ring, verify_ring = SERVICES["prepare"]["command"]
        self.assertEqual(brokers, {prepare})
        for host, port in (address.split(":") for address in prepare.split(",")):
            self.assertIn(f"PLAINTEXT://{host}:{port}", SERVICES[host]["environment"]["KAFKA_ADVERTISED_LISTENERS"])
        for name, service in NODES.items():
            given = dict(options(service))
            self.assertEqual(given["--key-ring"], ring if "command" in given["--roles"] else verify_ring, name)
            folder = str(pathlib.PurePath(given["--key-ring"]).parent)
            self.assertIn(folder, [volume.split(":")[1] for volume in service["volumes"]], name)

    def test_mounts_files_that_are_there(self):
        for name, service in SERVICES.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                self.assertTrue((ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"],
                                f"{name}: {source}")

    def test_nginx_runs_the_example_with_other_addresses(self):
        [_, _, script] = SERVICES["nginx"]["command"]
        with tempfile.TemporaryDirectory(prefix="keyledger-compose-") as directory:
            work = pathlib.Path(directory)
            made = work / "keyledger.conf"
            for there, here in ((" /keyledger.conf", f" {nginx.EXAMPLE}"), ("exec nginx -g 'daemon off;'", "true"),
                                ("/etc/nginx/conf.d/default.conf", str(made))):
                self.assertEqual(script.count(there), 1, there)
                script = script.replace(there, here)
            output_of("sh", "-c", script)
            text = made.read_text(encoding="utf-8")
            self.assertNotIn("127.0.0.1", re.sub("#.*", "", text))
            asked = set(re.findall(r"server ([\w-]+):(\d+);", text))
            self.assertEqual(asked, {("verify-1", "8081"), ("verify-2", "8081"), ("application", "9000")})
            for host, port in asked - {("application", "9000")}:
                self.assertIn(f"0.0.0.0:{port}", listeners(SERVICES[host]))
            # nginx looks hosts up when it reads them.
            made.write_text(re.sub(r"server [\w-]+:", "server 127.0.0.1:", text), encoding="utf-8")
            (work / "nginx.conf").write_text(nginx.AROUND.format(work=work), encoding="utf-8")
            output_of(nginx.NGINX, "-t", "-p", work, "-c", work / "nginx.conf", "-e", "stderr")


class Image(unittest.TestCase):
    def test_has_the_libraries_that_the_program_is_linked_with(self):
        text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
        installed = re.search(r"install -y --no-install-recommends (.*?)&&", text, re.S)[1].replace("\\", "").split()
        wanted = set()
        for library in re.findall(r"=> (/\S+)", output_of("ldd", KEYLEDGER)):
            wanted.add(package_of(pathlib.Path(library).resolve()))
        self.assertLessEqual(wanted, closure(installed))

    def test_sets_variables_that_serve_has(self):
        known = run("serve", "--help")[0]
        for variable in re.findall(r"^ENV (\w+)=", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.M):
            self.assertIn(f"(Env:{variable})", known)


def package_of(file):
    """Debian's packages say /lib of what is in /usr/lib, or not."""
    for path in (file, pathlib.Path("/", file.relative_to("/usr"))):
        found = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False,
                               timeout=DEADLINE)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    raise AssertionError(f"no package has {file}")


def closure(packages):
    """`packages` and all that they depend on."""
    found, ahead = set(), set(packages)
    while ahead:
        found |= ahead
        lines = subprocess.run(["dpkg-query", "-W", "-f", "${Depends}, ${Pre-Depends}, ", *ahead], capture_output=True,
                               text=True, check=False, timeout=DEADLINE).stdout
        ahead = {re.split(r"[ :(]", one.strip())[0] for one in re.split("[,|]", lines)} - found - {""}
    return found


class Kafka(unittest.TestCase):
    def test_the_example_with_tls_and_sasl_is_a_configuration(self):
        text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        example = re.search(r"<!-- kafka-toml:begin -->\n```toml\n(.*?)```", text, re.S)[1]
        with tempfile.TemporaryDirectory(prefix="keyledger-compose-") as directory:
            work = pathlib.Path(directory)
            run("keyring", "init", work / "keyring.json")
            for there, here in (("/etc/keyledger/kafka-ca.pem", "/etc/ssl/certs/ca-certificates.crt"),
                                ("/etc/keyledger", str(work)),
                                ("kafka-1:9093,kafka-2:9093,kafka-3:9093", "127.0.0.1:1")):
                self.assertEqual(example.count(there), 1, there)
                example = example.replace(there, here)
            (work / "keyledger.toml").write_text(example, encoding="utf-8")
            node = Node(work / "data", "--config", work / "keyledger.toml")
            node.launch()
            # It was accepted, and nobody listens there: the node waits for brokers.
            eventually(lambda: any("waiting for the log" in line for line in node.log), "it waits")
            node.stop()
        self.assertIn("sasl_ssl://127.0.0.1:1", "".join(node.log))


class Prometheus(unittest.TestCase):
    def test_asks_every_node_where_it_listens(self):
        config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
        asked = {target for job in config["scrape_configs"] for some in job["static_configs"]
                 for target in some["targets"]}
        self.assertEqual({target.split(":")[0] for target in asked}, set(NODES))
        for host, port in (target.split(":") for target in asked):
            self.assertIn(f"0.0.0.0:{port}", listeners(SERVICES[host]), host)
        mounted = {pathlib.PurePath(volume.split(":")[1]).name for volume in SERVICES["prometheus"]["volumes"]}
        self.assertLessEqual(set(config["rule_files"]), mounted)

    def test_every_alert_says_what_is_wrong_and_how_urgent_it_is(self):
        [group] = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
        names = [rule["alert"] for rule in group["rules"]]
        self.assertEqual(len(names), len(set(names)))
        for rule in group["rules"]:
            self.assertIn(rule["labels"]["severity"], ("page", "ticket"), rule)
            self.assertTrue(rule["expr"] and rule["annotations"]["summary"], rule)
        operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
        self.assertEqual([name for name in names if f"`{name}`" not in operations], [])

    @unittest.skipUnless(PROMTOOL, "there is no promtool here")
    def test_is_accepted_by_promtool(self):
        output_of(PROMTOOL, "check", "config", DEPLOY / "prometheus" / "prometheus.yml")
        output_of(PROMTOOL, "test", "rules", DEPLOY / "prometheus" / "alerts.test.yml")


class Grafana(unittest.TestCase):
    def test_asks_the_prometheus_of_compose(self):
        provisioning = DEPLOY / "grafana" / "provisioning"
        [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
        self.assertEqual(source["url"], "http://prometheus:9090")
        self.assertIn("127.0.0.1:9090:9090", SERVICES["prometheus"]["ports"])
        [provider] = yaml.safe_load((provisioning / "dashboards" / "keyledger.yml").read_text())["providers"]
        self.assertIn(f"./deploy/grafana/dashboards:{provider['options']['path']}:ro", SERVICES["grafana"]["volumes"])
        used = set(re.findall(r'"uid": "(\w+)"', (DEPLOY / "grafana" / "dashboards" / "keyledger.json").read_text()))
        self.assertEqual(used, {source["uid"], "keyledger"})


if __name__ == "__main__":
    unittest.main()
