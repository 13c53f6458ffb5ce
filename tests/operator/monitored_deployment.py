"""Tests that the manifests in deploy/kubernetes let Prometheus and a collector in, and only them, as deploy/observability says.

All other rules for the manifests are in deployment.py."""

import re
import unittest
import urllib.parse

import yaml

from cells import ROOT, Cells, references, strings

# Prometheus and a collector, in a namespace with this label.
MONITORING = {"namespaceSelector": {"matchLabels": {"lms.example.com/monitoring": "true"}}}


class MonitoredDeployment(Cells):
    """Tests how a cell is watched."""

    def test_only_monitoring_reaches_the_worker_and_only_its_management_address(self):
        for cell in self.cells:
            pod = self.one(cell, "Deployment", "worker")["spec"]["template"]["spec"]
            [container] = pod["containers"]
            [port] = container["ports"]
            self.assertEqual(port["name"], "management")
            self.assertIn(f"--management=0.0.0.0:{port['containerPort']}", container["args"])
            [rule] = self.one(cell, "NetworkPolicy", "worker")["spec"]["ingress"]
            self.assertEqual(rule, {"from": [MONITORING], "ports": [{"protocol": "TCP", "port": "management"}]})

    def test_the_documented_scrape_job_finds_the_workers_and_nothing_else(self):
        [job] = documented_scrape_jobs()
        self.assertEqual(job["kubernetes_sd_configs"], [{"role": "pod"}])
        for cell in self.cells:
            found = []
            for kind in ("Deployment", "Job", "SpinApp"):
                for _, manifest in self.every(kind, cell):
                    for name, port in ports(manifest):
                        target = relabelled(job, target_of(manifest, name))
                        found += [] if target is None else [(manifest["metadata"]["name"], port, target["cell"])]
            self.assertEqual(found, [("worker", 9465, cell)])

    def test_monitoring_has_the_same_ports_and_label_everywhere(self):
        label = "lms.example.com/monitoring"
        guide = (ROOT / "docs/how-to/deploy-a-cell.md").read_text()
        self.assertIn(f"kubectl label namespace monitoring {label}=true", guide)
        self.assertEqual(MONITORING["namespaceSelector"]["matchLabels"], {label: "true"})
        plain = yaml.safe_load((ROOT / "deploy/observability/prometheus.yaml").read_text())
        [worker] = [each for each in plain["scrape_configs"] if each["job_name"] == "lms-worker"]
        [job] = documented_scrape_jobs()
        # The alerts and dashboards select the worker's series by this name.
        self.assertEqual(job["job_name"], worker["job_name"])
        [target] = worker["static_configs"][0]["targets"]
        _, manifest = next(each for each in self.every("Deployment") if each[1]["metadata"]["name"] == "worker")
        self.assertEqual([int(target.rsplit(":", 1)[1])], [port for _, port in ports(manifest)])

    def test_the_pods_reach_a_collector_only_if_the_cell_has_one(self):
        for cell, before in self.cells.items():
            after = self.with_component(cell, "collector")
            policies = {each["metadata"]["name"]: each for each in after if each["kind"] == "NetworkPolicy"}
            policy = policies.pop("collector")
            for name, each in policies.items():
                self.assertEqual(each, self.one(cell, "NetworkPolicy", name))
            self.assertEqual(len(after), len(before) + 1)
            metadata = policy["metadata"]
            self.assertEqual((metadata["namespace"], metadata["labels"]["lms.example.com/cell"]), (f"lms-{cell}", cell))
            [worker] = [each for each in after if (each["kind"], each["metadata"]["name"]) == ("Deployment", "worker")]
            [application] = [each for each in after if each["kind"] == "SpinApp"]
            [expression] = policy["spec"]["podSelector"]["matchExpressions"]
            self.assertEqual(expression["operator"], "In")
            selected = [labels(each).get(expression["key"]) for each in (application, worker)]
            self.assertEqual(expression["values"], selected)
            [rule] = policy["spec"]["egress"]
            self.assertEqual((policy["spec"]["policyTypes"], rule["to"]), (["Egress"], [MONITORING]))
            [container] = worker["spec"]["template"]["spec"]["containers"]
            variables = {each["name"]: each for each in container["env"]}
            endpoint = urllib.parse.urlsplit(variables["OTEL_EXPORTER_OTLP_ENDPOINT"]["value"])
            self.assertEqual(rule["ports"], [{"protocol": "TCP", "port": endpoint.port}])
            # The namespace is the one that the guide labels.
            self.assertEqual((endpoint.scheme, endpoint.hostname), ("http", "collector.monitoring"))
            self.assertEqual(variables["OTEL_RESOURCE_ATTRIBUTES"]["value"], "lms.cell=$(CELL)")
            for reference in references(after, "configMapKeyRef"):
                self.assertIn(reference["key"], self.one(cell, "ConfigMap", "cell")["data"])
            self.assertFalse([text for text in strings(before) if "OTEL_" in text])


def documented_scrape_jobs():
    """Returns the scrape jobs for Kubernetes in the documentation."""
    text = (ROOT / "deploy/observability/README.md").read_text()
    [block] = [part.split("```")[0] for part in text.split("```yaml\n")[1:] if "kubernetes_sd_configs" in part]
    return yaml.safe_load(block)["scrape_configs"]


def labels(manifest):
    """Returns the labels of the pods that an object makes."""
    if manifest["kind"] == "SpinApp":
        return manifest["spec"]["podLabels"]
    return manifest["spec"]["template"]["metadata"]["labels"]


def ports(manifest):
    """Returns the names and numbers of the ports that the pods of an object declare, or one pair of nothing."""
    if manifest["kind"] == "SpinApp":
        # SpinKube's operator declares this port.
        return [("http-app", 80)]
    containers = manifest["spec"]["template"]["spec"]["containers"]
    declared = [(port["name"], port["containerPort"]) for each in containers for port in each.get("ports", [])]
    return declared or [("", None)]


def target_of(manifest, port):
    """Returns the labels with which Prometheus discovers a port of a pod."""
    prefix = "__meta_kubernetes_pod_label_"
    meta = {prefix + re.sub(r"[^a-zA-Z0-9_]", "_", name): value for name, value in labels(manifest).items()}
    return meta | {
        "__meta_kubernetes_namespace": manifest["metadata"]["namespace"],
        "__meta_kubernetes_pod_name": manifest["metadata"]["name"] + "-0",
        "__meta_kubernetes_pod_container_port_name": port,
    }


def relabelled(job, target):
    """Returns the labels of a target as Prometheus changes them, or none if it drops the target."""
    for rule in job["relabel_configs"]:
        value = ";".join(target.get(name, "") for name in rule["source_labels"])
        match = re.fullmatch(rule.get("regex", "(.*)"), value)
        if rule.get("action", "replace") == "keep":
            if match is None:
                return None
        elif match is not None:
            target = target | {rule["target_label"]: match.group(1)}
    return target


if __name__ == "__main__":
    unittest.main()
