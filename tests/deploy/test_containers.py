"""The image, the compose file and the Kubernetes manifests, as far as they can be checked without containers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from compose_spec import ComposeSpecification

from server.configuration.environment import FILE_VARIABLES, VARIABLES
from tests.support.program import Program
from tests.support.programs import required_program
from tools.harness.backends import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"
MANIFESTS = DEPLOY / "kubernetes"
IMAGE_VARIABLES = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


def final_stage() -> str:
    return DOCKERFILE.read_text().rpartition("\nFROM ")[2]


def copied() -> list[str]:
    """Return what the image gets from the project's folder."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE.read_text(), re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def manifests() -> list[dict[str, Any]]:
    resources = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())["resources"]
    return [each for name in resources for each in yaml.safe_load_all((MANIFESTS / name).read_text())]


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest["spec"]["template"]["spec"]


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    ran = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_dockerignore_lets_through_what_the_image_copies() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())
    assert [source for source in copied() if not (ROOT / source).exists()] == []


def test_image_runs_without_root() -> None:
    user = re.search(r"^USER (\d+):(\d+)$", final_stage(), re.MULTILINE)
    assert user is not None
    assert int(user[1]) > 0
    assert "HEALTHCHECK" in final_stage()
    assert "--require-hashes" in DOCKERFILE.read_text()


async def test_server_runs_from_the_files_of_the_image(tmp_path: Path) -> None:
    app, var = tmp_path / "app", tmp_path / "var"
    app.mkdir()
    for name in copied():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, app / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, app / name)
    before = sorted(app.rglob("*"))
    for path in (app, *before):
        path.chmod(0o555 if path.is_dir() else 0o444)
    environ = {"VAR_DIR": str(var), "LOG_FORMAT": "json", "PYTHONDONTWRITEBYTECODE": "1"}
    program = Program(tmp_path, environ, "--port=0", config=app / "config.toml", script=app / "run.py")
    try:
        await program.start()
        assert await program.interrupt() == 0
    finally:
        for path in (app, *before):
            path.chmod(0o700)
    assert sorted(app.rglob("*")) == before


def test_compose_file_follows_the_specification() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    ComposeSpecification.model_validate(compose)
    services = compose["services"]
    assert set(services) == {"mariadb", "valkey", "migrate", "api", "worker", "nginx"}
    for name in ("migrate", "api", "worker"):
        service = services[name]
        assert service["read_only"]
        assert set(service["environment"]) <= {*VARIABLES, *FILE_VARIABLES}
        assert set(service["secrets"]) <= set(compose["secrets"])
    names = {volume.partition(":")[0] for each in services.values() for volume in each.get("volumes", [])}
    assert {name for name in names if not name.startswith(".")} == set(compose["volumes"])
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)


@pytest.mark.parametrize(
    "manifest", manifests(), ids=lambda each: f"{each['kind']} {each['metadata']['name']}"
)
def test_manifests_follow_the_schemas_of_kubernetes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.33", strict=True)


def test_kustomize_builds_what_the_manifests_name(tmp_path: Path) -> None:
    kubectl = required_program("kubectl")
    folder = tmp_path / "kubernetes"
    shutil.copytree(MANIFESTS, folder)
    names = ("DB_PASSWORD", "JWT_SECRET", "JWT_REFRESH_SECRET", "METRICS_TOKEN", "EMAIL_PASS")
    (folder / "secret.env").write_text("".join(f"{name}=secret\n" for name in names))
    built = subprocess.run(
        [kubectl, "kustomize", folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert built.returncode == 0, built.stderr
    objects = list(yaml.safe_load_all(built.stdout))
    for each in objects:
        kubernetes_validate.validate(each, "1.33", strict=True)
        assert each["metadata"]["namespace"] == "photofeed"
    generated = {each["metadata"]["name"] for each in objects if each["kind"] in ("ConfigMap", "Secret")}
    assert len(generated) == 2
    pods = [pod_of(each) for each in objects if each["kind"] in ("Deployment", "Job")]
    assert len(pods) == 3
    for pod in pods:
        (container,) = pod["containers"]
        assert container["image"] == "registry.example.com/photofeed:1.0.0"
        named = {source[kind]["name"] for source in container["envFrom"] for kind in source}
        assert named <= generated, "kustomize renames them when their content changes"


def test_pods_run_without_privileges_on_a_read_only_file_system() -> None:
    pods = [pod_of(each) for each in manifests() if each["kind"] in ("Deployment", "Job")]
    assert len(pods) == 3
    for pod in pods:
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert not container["securityContext"]["allowPrivilegeEscalation"]
        assert container["resources"]["requests"]


def test_selectors_find_the_pods() -> None:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for each in manifests():
        by_kind.setdefault(each["kind"], []).append(each)
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in by_kind["Deployment"]]
    selectors = [each["spec"]["selector"]["matchLabels"] for each in by_kind["PodDisruptionBudget"]]
    selectors += [each["spec"]["selector"] for each in by_kind["Service"]]
    for selector in selectors:
        assert sum(selector.items() <= each.items() for each in labels) == 1
    (scaler,) = by_kind["HorizontalPodAutoscaler"]
    names = [each["metadata"]["name"] for each in by_kind["Deployment"]]
    assert scaler["spec"]["scaleTargetRef"]["name"] in names


def test_settings_of_image_and_manifests_exist() -> None:
    image = set(re.findall(r"(?:^ENV|^   ) (\w+)=", final_stage(), re.MULTILINE)) - IMAGE_VARIABLES
    kustomization = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text())
    literals = {each.partition("=")[0] for each in kustomization["configMapGenerator"][0]["literals"]}
    environment = (DEPLOY / "photofeed.env").read_text().splitlines()
    named = image | literals | {line.partition("=")[0] for line in environment}
    assert len(named) > 10
    assert named - set(VARIABLES) == set()
