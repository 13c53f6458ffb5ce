"""Tests the manifests in deploy/kubernetes against the schemas of their kinds, the cells' settings and the documented guarantees.

How a cell is watched is tested in monitored_deployment.py."""

import base64
import copy
import ipaddress
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import tomllib
import unittest

from cells import CUSTOM, OVERLAYS, ROOT, Cells, build, references, schema_errors, strings

# The retention of backups in days.
DAYS = {"standard": 30, "regulated": 2557}

# Pods of the cell's own namespace: its database and the restored copy.
OWN_DATABASE = {
    "podSelector": {
        "matchExpressions": [{"key": "cnpg.io/cluster", "operator": "In", "values": ["database", "restored"]}]
    }
}


class Deployment(Cells):
    """Tests the manifests of every cell."""

    def containers(self):
        """Returns all containers of our own pods with the pod's specification."""
        for kind in ("Deployment", "Job"):
            for _, manifest in self.every(kind):
                pod = manifest["spec"]["template"]["spec"]
                for container in pod["containers"]:
                    yield pod, container

    def test_every_cell_has_an_overlay_that_builds(self):
        self.assertGreaterEqual(len(self.definitions), 6)
        self.assertEqual(list(self.cells), list(self.definitions))

    def test_every_object_is_valid_against_the_schema_of_its_kind(self):
        seen = set()
        for cell, manifests in self.cells.items():
            for manifest in manifests:
                seen.add(manifest["kind"])
                name = f"{cell}: {manifest['kind']} {manifest['metadata']['name']}"
                self.assertEqual(schema_errors(manifest), [], name)
        self.assertLessEqual(set(CUSTOM), seen, "no object has the kind of a schema")

    def test_an_unknown_field_is_an_error(self):
        tried = set()
        for _, manifest in [(None, manifest) for manifests in self.cells.values() for manifest in manifests]:
            if manifest["kind"] in tried or "spec" not in manifest:
                continue
            tried.add(manifest["kind"])
            broken = copy.deepcopy(manifest)
            broken["spec"]["replicaz"] = 3
            self.assertTrue(schema_errors(broken), manifest["kind"])
        self.assertIn("SpinApp", tried)
        self.assertIn("Deployment", tried)

    def test_a_value_of_the_wrong_type_is_an_error(self):
        for kind, change in {
            "Deployment": {"replicas": "two"},
            "SpinApp": {"enableAutoscaling": "yes"},
            "ObjectStore": {"retentionPolicy": "forever"},
        }.items():
            _, manifest = next(self.every(kind))
            broken = copy.deepcopy(manifest)
            broken["spec"] |= change
            self.assertTrue(schema_errors(broken), kind)

    def test_an_overlay_that_names_a_missing_file_does_not_build(self):
        with tempfile.TemporaryDirectory() as directory:
            pathlib.Path(directory, "kustomization.yaml").write_text("resources: [missing.yaml]\n")
            with self.assertRaisesRegex(ValueError, "missing.yaml"):
                build(directory)

    @staticmethod
    def runtime_configuration(secret):
        return base64.b64decode(secret["data"]["runtime-config.toml"]).decode()

    def test_no_manifest_contains_a_secret(self):
        # Spin's runtime configuration is in a Secret only because the operator reads it from there.
        for cell, secret in self.every("Secret"):
            self.assertEqual(secret["metadata"]["name"], "runtime-config", cell)
            self.assertEqual(tomllib.loads(self.runtime_configuration(secret)), {"outbound_pg": {"max_connections": 64}})
            application = self.one(cell, "SpinApp", "application")["spec"]
            self.assertEqual(application["runtimeConfig"], {"loadFromSecret": "runtime-config"})
        for _, container in self.containers():
            for variable in container["env"]:
                if "PASSWORD" in variable["name"]:
                    self.assertIn("secretKeyRef", variable["valueFrom"])
                self.assertNotRegex(variable.get("value", ""), r"://[^@$]*:[^@$]+@")
                self.assertFalse(any("PASSWORD)" in argument for argument in container["args"]))

    def test_the_application_has_every_variable_of_its_manifest_and_its_secrets_by_reference(self):
        declared = tomllib.loads((ROOT / "spin.toml").read_text())["variables"]
        for cell, application in self.every("SpinApp"):
            given = {variable["name"]: variable for variable in application["spec"]["variables"]}
            required = {name for name, variable in declared.items() if variable.get("required")}
            self.assertLessEqual(required, set(given), cell)
            self.assertLessEqual(set(given), set(declared), cell)
            for name, variable in declared.items():
                if variable.get("secret"):
                    self.assertIn("secretKeyRef", given[name]["valueFrom"], f"{cell}: {name}")
            # The variable keeps its empty default, so that webhooks reach public addresses only.
            self.assertNotIn("webhook_networks", given)
            # All requests come through the ingress, which sends the client's address in a header.
            self.assertEqual(given["client_address_header"]["value"], "x-forwarded-for")
            for network in given["trusted_proxies"]["value"].split(","):
                self.assertTrue(ipaddress.ip_network(network).is_private or network == "100.64.0.0/10", network)

    def test_every_reference_to_the_cell_s_settings_has_a_key_there(self):
        for cell, manifests in self.cells.items():
            settings = self.one(cell, "ConfigMap", "cell")["data"]
            for reference in references(manifests, "configMapKeyRef"):
                self.assertEqual(reference["name"], "cell")
                self.assertIn(reference["key"], settings)

    def test_an_overlay_equals_the_cell_s_settings(self):
        for cell, definition in self.definitions.items():
            settings = self.one(cell, "ConfigMap", "cell")["data"]
            database = definition["database"]
            expected = {
                "name": cell,
                "region": definition["region"],
                "retention": definition["retention"],
                "url": definition["url"],
                "host": definition["url"].removeprefix("https://"),
                "database_host": database["host"],
                "database_port": str(database.get("port", 5432)),
                "database_name": database["name"],
                "archive_timeout": f"{definition['backup']['archive_timeout']}s",
                "backup_retention": f"{DAYS[definition['retention']]}d",
            }
            for word, repository in zip(("first", "second"), definition["backup"]["repositories"]):
                self.assertEqual(repository["type"], "s3", f"{cell}: only S3 can be reached from Kubernetes")
                expected[f"{word}_repository"] = f"s3://{repository['bucket']}{repository['path']}"
                expected[f"{word}_endpoint"] = f"https://{repository['endpoint']}"
            self.assertEqual({key: settings[key] for key in expected}, expected)
            self.assertEqual(expected["database_port"], "5432", "CloudNativePG listens on no other port")

    def test_the_settings_reach_every_object_that_needs_them(self):
        for cell in self.cells:
            settings = self.one(cell, "ConfigMap", "cell")["data"]
            cluster = self.one(cell, "Cluster", "database")["spec"]
            self.assertEqual(cluster["certificates"]["serverAltDNSNames"], [settings["database_host"]])
            self.assertEqual(cluster["bootstrap"]["initdb"]["database"], settings["database_name"])
            for _, each in self.every("Cluster", cell):
                self.assertEqual(each["spec"]["postgresql"]["parameters"]["archive_timeout"], settings["archive_timeout"])
            for _, store in self.every("ObjectStore", cell):
                word = store["metadata"]["name"]
                self.assertEqual(store["spec"]["configuration"]["destinationPath"], settings[f"{word}_repository"])
                self.assertEqual(store["spec"]["configuration"]["endpointURL"], settings[f"{word}_endpoint"])
                self.assertEqual(store["spec"]["retentionPolicy"], settings["backup_retention"])
            entrance = self.one(cell, "Ingress", "application")["spec"]
            self.assertEqual([rule["host"] for rule in entrance["rules"]], [settings["host"]])
            self.assertEqual(entrance["tls"][0]["hosts"], [settings["host"]])
            self.assertFalse([text for text in strings(self.cells[cell]) if text == "replaced"])

    def test_a_token_of_another_region_is_redirected_to_the_cell_of_the_same_class(self):
        for cell, definition in self.definitions.items():
            alike = [other for other in self.definitions.values() if other["retention"] == definition["retention"]]
            urls = json.loads(self.one(cell, "ConfigMap", "cell")["data"]["base_urls"])
            self.assertEqual(set(urls), {other["region"] for other in alike})
            self.assertEqual(urls[definition["region"]], definition["url"])
            for region, url in urls.items():
                self.assertIn(url, [other["url"] for other in alike if other["region"] == region])

    def test_backups_are_daily_encrypted_and_retained_for_the_period_of_the_class(self):
        for cell, definition in self.definitions.items():
            clusters = {manifest["metadata"]["name"]: manifest for _, manifest in self.every("Cluster", cell)}
            archives = {
                name: manifest["spec"]["plugins"][0]["parameters"]["barmanObjectName"]
                for name, manifest in clusters.items()
            }
            stores = {manifest["metadata"]["name"]: manifest["spec"] for _, manifest in self.every("ObjectStore", cell)}
            # A repository is complete only with the WAL and the daily backups of the same cluster.
            backed_up = {manifest["spec"]["cluster"]["name"] for _, manifest in self.every("ScheduledBackup", cell)}
            self.assertEqual(backed_up, set(archives))
            self.assertEqual(sorted(archives.values()), sorted(stores))
            self.assertEqual(len(stores), {"standard": 1, "regulated": 2}[definition["retention"]])
            for _, backup in self.every("ScheduledBackup", cell):
                self.assertRegex(backup["spec"]["schedule"], r"^0 \d+ \d+ \* \* \*$")
            for store in stores.values():
                self.assertEqual(store["retentionPolicy"], f"{DAYS[definition['retention']]}d")
                for part in ("data", "wal"):
                    self.assertEqual(store["configuration"][part]["encryption"], "aws:kms")

    def test_a_restored_cluster_reads_the_repository_and_archives_under_another_name(self):
        for cell in self.cells:
            manifests = self.with_component(cell, "restore")
            clusters = {
                manifest["metadata"]["name"]: manifest["spec"] for manifest in manifests if manifest["kind"] == "Cluster"
            }
            restored, database = clusters["restored"], clusters["database"]
            source = restored["externalClusters"][0]["plugin"]["parameters"]
            self.assertEqual(source, {"barmanObjectName": "first", "serverName": "database"})
            self.assertNotIn(restored["plugins"][0]["parameters"]["serverName"], ("database", "standby"))
            # Clients find the same name in the certificate, and the same database.
            self.assertEqual(restored["certificates"]["serverAltDNSNames"], database["certificates"]["serverAltDNSNames"])
            self.assertEqual(restored["bootstrap"]["recovery"]["database"], database["bootstrap"]["initdb"]["database"])
            self.assertEqual(restored["imageName"], database["imageName"])

    def test_no_two_cells_share_a_namespace_a_repository_or_credentials(self):
        namespaces = [
            {manifest["metadata"].get("namespace") for manifest in manifests} - {None}
            for manifests in self.cells.values()
        ]
        self.assertEqual([len(each) for each in namespaces], [1] * len(namespaces))
        self.assertEqual(len(set().union(*namespaces)), len(self.cells))
        paths = [store["spec"]["configuration"]["destinationPath"] for _, store in self.every("ObjectStore")]
        self.assertEqual(len(set(paths)), len(paths))

    def test_every_object_is_in_its_cell_s_namespace_and_has_its_label(self):
        for cell, manifests in self.cells.items():
            for manifest in manifests:
                metadata = manifest["metadata"]
                if manifest["kind"] == "Namespace":
                    self.assertEqual(metadata["name"], f"lms-{cell}")
                else:
                    self.assertEqual(metadata["namespace"], f"lms-{cell}", manifest["kind"])
                self.assertEqual(metadata["labels"]["lms.example.com/cell"], cell)
                self.assertIn(
                    metadata["labels"].get("lms.example.com/step"),
                    ("database", "prepare", "migration", "application"),
                    f"{manifest['kind']} {metadata['name']} is applied in no step",
                )

    def test_no_object_of_a_cell_names_another_cell(self):
        for cell, manifests in self.cells.items():
            others = set(self.definitions) - {cell}
            for manifest in manifests:
                for text in strings(manifest):
                    named = {other for other in others if other in text and cell not in text}
                    self.assertEqual(named, set(), f"{cell}: {manifest['kind']} {manifest['metadata']['name']}")
                    for other in others:
                        self.assertNotIn(self.definitions[other]["database"]["host"], text)

    def test_connections_are_denied_unless_a_policy_allows_them(self):
        for cell in self.cells:
            policy = self.one(cell, "NetworkPolicy", "deny-all")["spec"]
            self.assertEqual(policy, {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})

    def test_the_application_and_migrations_reach_only_the_cell_s_own_database(self):
        for cell in self.cells:
            for name in ("application", "migration"):
                policy = self.one(cell, "NetworkPolicy", name)["spec"]
                self.assertEqual(policy["egress"], [{"to": [OWN_DATABASE], "ports": [{"protocol": "TCP", "port": 5432}]}])

    def test_only_name_resolution_reaches_another_namespace(self):
        for cell, policy in self.every("NetworkPolicy"):
            for rule in policy["spec"].get("egress", []):
                for peer in rule["to"]:
                    if "namespaceSelector" in peer:
                        self.assertEqual(policy["metadata"]["name"], "name-resolution", cell)
                        self.assertEqual({port["port"] for port in rule["ports"]}, {53})

    def test_the_worker_reaches_only_its_database_and_public_addresses(self):
        for cell in self.cells:
            database, public = self.one(cell, "NetworkPolicy", "worker")["spec"]["egress"]
            self.assertEqual(database["to"], [OWN_DATABASE])
            blocks = [peer["ipBlock"] for peer in public["to"]]
            for private in ("10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1", "0.0.0.0"):
                self.assertFalse(allowed(blocks, private), private)
            for private in ("::1", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "ff02::1"):
                self.assertFalse(allowed(blocks, private), private)
            self.assertTrue(allowed(blocks, "1.1.1.1"))
            self.assertTrue(allowed(blocks, "2606:4700::1111"))

    def test_our_pods_run_restricted_and_without_a_token(self):
        accounts = [account for _, account in self.every("ServiceAccount")]
        self.assertTrue(accounts)
        for account in accounts:
            self.assertIs(account["automountServiceAccountToken"], False)
        for pod, container in self.containers():
            self.assertIs(pod["automountServiceAccountToken"], False)
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertEqual(
                container["securityContext"],
                {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            )
            self.assertIn("memory", container["resources"]["limits"])

    def test_the_application_scales_and_has_probes_and_enough_database_connections(self):
        for cell in self.cells:
            application = self.one(cell, "SpinApp", "application")["spec"]
            self.assertEqual(application["checks"]["liveness"]["httpGet"]["path"], "/healthz")
            self.assertEqual(application["checks"]["readiness"]["httpGet"]["path"], "/readyz")
            self.assertIs(application["enableAutoscaling"], True)
            scaler = self.one(cell, "HorizontalPodAutoscaler", "application")["spec"]
            self.assertEqual(scaler["scaleTargetRef"]["name"], "application")
            self.assertGreaterEqual(scaler["minReplicas"], 2)
            connections = int(self.one(cell, "Cluster", "database")["spec"]["postgresql"]["parameters"]["max_connections"])
            # Spin's pool has 64 connections, and a rollout adds a quarter of the pods, rounded up.
            self.assertLess(64 * math.ceil(scaler["maxReplicas"] * 5 / 4), connections)
            self.one(cell, "PodDisruptionBudget", "application")
            self.one(cell, "PodDisruptionBudget", "worker")

    def test_every_image_has_a_release_tag(self):
        for _, container in self.containers():
            self.assertRegex(container["image"], r"^[a-z0-9./-]+:[0-9]+\.[0-9]+\.[0-9]+$")
        for cell, application in self.every("SpinApp"):
            _, tag = application["spec"]["image"].rsplit(":", 1)
            tools = {container["image"].rsplit(":", 1)[1] for _, container in self.containers()}
            self.assertIn(tag, tools, cell)

    def test_the_image_of_the_tool_passes_the_linter(self):
        linter = pathlib.Path(sys.executable).parent / "hadolint"
        linted = subprocess.run(
            [linter, "--no-color", "--failure-threshold", "style", ROOT / "deploy/Dockerfile"],
            capture_output=True, text=True, check=False,
        )
        self.assertEqual((linted.returncode, linted.stdout + linted.stderr), (0, ""))
        bad = subprocess.run(
            [linter, "-"], input="FROM debian:latest\nRUN cd /tmp\n", capture_output=True, text=True, check=False
        )
        self.assertNotEqual(bad.returncode, 0)


def allowed(blocks, address):
    """Returns whether a rule with these blocks allows connections to the address."""
    address = ipaddress.ip_address(address)
    return any(
        address in ipaddress.ip_network(block["cidr"])
        and not any(address in ipaddress.ip_network(hole) for hole in block.get("except", []))
        for block in blocks
    )


if __name__ == "__main__":
    unittest.main()
