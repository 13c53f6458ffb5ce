"""Builds the manifests in deploy/kubernetes with kustomize and validates objects against schemas. Our own rules are in deployment.py and monitored_deployment.py."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

import jsonschema
import kubernetes_validate
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
OVERLAYS = ROOT / "deploy/kubernetes/cells"
DEFINITIONS = ROOT / "deploy/cells"
SCHEMAS = ROOT / "tests/operator/schemas"

# The supported releases of Kubernetes: the oldest and the newest one with known schemas.
KUBERNETES = ("1.33", "1.37")

# The custom resources, with their schemas.
CUSTOM = {
    json.loads(file.read_text())["properties"]["kind"]["const"]: json.loads(file.read_text())
    for file in SCHEMAS.glob("*.json")
}


class Loader(yaml.CSafeLoader):
    """Reads YAML as Kubernetes does, which treats a timestamp as a string."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def definitions():
    """Returns the settings of every cell, by name."""
    return {file.stem: tomllib.loads(file.read_text()) for file in sorted(DEFINITIONS.glob("*.toml"))}


def build(directory):
    """Builds a directory with a kustomization and returns its objects."""
    kubectl = pathlib.Path(sys.executable).parent / "kubectl"
    built = subprocess.run([kubectl, "kustomize", directory], capture_output=True, text=True, check=False)
    if built.returncode != 0 or built.stderr:
        raise ValueError(f"{directory} does not build: {built.stderr}")
    return list(yaml.load_all(built.stdout, Loader))


def schema_errors(manifest):
    """Returns the errors of a manifest, one line each. A field that its kind does not have is an error."""
    if manifest["kind"] in CUSTOM:
        errors = jsonschema.Draft202012Validator(CUSTOM[manifest["kind"]]).iter_errors(manifest)
        return [f"{error.json_path}: {error.message}" for error in errors]
    lines = []
    for version in KUBERNETES:
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            lines.append(f"{version}: {error.message}")
    return lines


def strings(value):
    """Returns every string in a value, keys included."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from strings(member)
    elif isinstance(value, list):
        for member in value:
            yield from strings(member)
    elif isinstance(value, str):
        yield value


def references(value, kind):
    """Returns every reference of a kind."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key == kind:
                yield member
            else:
                yield from references(member, kind)
    elif isinstance(value, list):
        for member in value:
            yield from references(member, kind)


class Cells(unittest.TestCase):
    """The manifests of every cell, for tests of them."""

    @classmethod
    def setUpClass(cls):
        cls.definitions = definitions()
        cls.cells = {directory.name: build(directory) for directory in sorted(OVERLAYS.iterdir())}

    def every(self, kind, cell=None):
        """Returns all objects of a kind with their cell."""
        for name, manifests in self.cells.items():
            for manifest in manifests:
                if manifest["kind"] == kind and cell in (None, name):
                    yield name, manifest

    def one(self, cell, kind, name):
        """Returns the object of a kind and name."""
        found = [manifest for _, manifest in self.every(kind, cell) if manifest["metadata"]["name"] == name]
        self.assertEqual(len(found), 1, f"{cell}: {kind} {name}")
        return found[0]

    def with_component(self, cell, component):
        """Returns the objects of a cell to whose kustomization an operator has added a component."""
        kustomization = (OVERLAYS / cell / "kustomization.yaml").read_text()
        with tempfile.TemporaryDirectory(dir=OVERLAYS) as directory:
            shutil.copy(OVERLAYS / cell / "cell.yaml", directory)
            pathlib.Path(directory, "kustomization.yaml").write_text(
                kustomization.replace("labels:\n", f"  - ../../{component}\nlabels:\n", 1)
            )
            manifests = build(directory)
        for manifest in manifests:
            name = f"{cell}: {manifest['kind']} {manifest['metadata']['name']}"
            self.assertEqual(schema_errors(manifest), [], name)
        return manifests
