"""deploy/helm/duijie: Helm renders it, Kubernetes would take it, and its pods are told just what they read."""

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from duijie.processes import END_WITHIN_S
from tests.deploy.support import (
    DEPLOY,
    ROOT,
    all_variables,
    is_pinned,
    load,
    parse_command,
    paths_of,
    readable_by,
    sample,
    started,
)

if os.environ.get("CI") == "true":  # there nothing is skipped
    import helm_python as helm
    import kubernetes_validate
else:
    helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed: its group is `charts`")
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="its group is `charts`")

CHART = DEPLOY / "helm" / "duijie"
KUBERNETES = "1.37"
BEYOND = {"ServiceMonitor"}  # kinds that others define, whose schemas are not Kubernetes' own

SMALL: dict[str, Any] = {
    "sms": {"url": "console"},
    "kafka": {"securityProtocol": "PLAINTEXT", "bootstrap": "one:9092", "replication": 1},
    "services": {
        name: {"api": {"replicas": 1}, "worker": {"replicas": 1}}
        for name in ("gateway", "listing", "matching", "logistics")
    },
    "networkPolicy": {"enabled": False},
    "podDisruptionBudget": {"enabled": False},
    "serviceAccount": {"create": False},
    "jobs": {"topics": {"enabled": False}},
}
FULL: dict[str, Any] = {
    "fullnameOverride": "market",
    "rateLimits": {"enabled": True, "store": {"secret": "market-limits", "urlKey": "url"}},
    "trustedProxies": ["10.0.0.0/8", "fd00::/8"],
    "image": {"repository": "registry.example.org/duijie", "digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "kafka": {
        "bootstrap": "a:9093,b:9093,c:9093",
        "tls": {"secret": "kafka-tls", "certificateKey": "tls.crt", "keyKey": "tls.key"},
    },
    "services": {
        **{name: {"api": {"autoscaling": {"enabled": True}}} for name in ("gateway", "listing", "matching")},
        "logistics": {
            "api": {"autoscaling": {"enabled": True}},
            "roads": {"source": "osrm", "url": "http://osrm:5000"},
        },
    },
    "keys": {"verifyingKeysKey": "verifying-keys"},
    "sms": {"url": "https://sms.example.org/send", "tokenKey": "sms-token"},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "duijie-tls", "annotations": {"a": "b"}},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "networkPolicy": {
        "gatewayFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}],
        "postgres": {"to": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]},
        "extraEgress": [{"ports": [{"port": 4318, "protocol": "TCP"}]}],
    },
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "produce"},
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "produce", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "high",
    "extraEnv": [{"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://collector:4318"}],
}
VARIANTS: dict[str, dict[str, Any]] = {"default": {}, "small": SMALL, "full": FULL}


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's, where it is: every worker reads all of this


def render(values: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
    """Every manifest, and the notes."""
    with helm.Chart.load(CHART) as chart:
        files = chart.render(values, name="duijie", namespace="produce", is_install=True)
    notes = next(text for name, text in files.items() if name.endswith("NOTES.txt"))
    found = [
        manifest
        for name, text in files.items()
        if not name.endswith("NOTES.txt")
        for manifest in yaml.load_all(text, Loader=LOADER)
        if manifest
    ]
    return found, notes


RENDERED = {name: render(values)[0] for name, values in VARIANTS.items()}
PODS = [
    pytest.param(manifest, id=f"{variant}-{manifest['metadata']['name']}")
    for variant, manifests in RENDERED.items()
    for manifest in manifests
    if manifest["kind"] in {"Deployment", "Job"}
]


def of_kind(variant: str, *kinds: str) -> list[dict[str, Any]]:
    return [manifest for manifest in RENDERED[variant] if manifest["kind"] in kinds]


def pod_of(workload: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = workload["spec"]["template"]
    return pod


def container_of(workload: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod_of(workload)["spec"]["containers"]
    assert isinstance(container, dict)
    return container


def environment_of(workload: dict[str, Any]) -> dict[str, str]:
    """What the container is told, with something in the place of each secret."""
    told = {each["name"]: each.get("value") or sample(each["name"]) for each in container_of(workload)["env"]}
    return {name: value for name, value in told.items() if name.startswith("DUIJIE_")}


def selected(selector: dict[str, str], variant: str) -> list[str]:
    return [
        each["metadata"]["name"]
        for each in of_kind(variant, "Deployment")
        if selector.items() <= pod_of(each)["metadata"]["labels"].items()
    ]


@pytest.mark.parametrize("values", [pytest.param(values, id=name) for name, values in VARIANTS.items()])
def test_helm_finds_nothing_to_complain_of(values: dict[str, Any]) -> None:
    report = helm.lint(CHART, values, strict=True, kube_version=f"v{KUBERNETES}.0")
    assert not report["errors"]
    assert not [each for each in report["messages"] if each["severity"] > 1]


@pytest.mark.parametrize("variant", VARIANTS)
def test_kubernetes_would_take_every_manifest(variant: str) -> None:
    for manifest in RENDERED[variant]:
        assert manifest["metadata"]["namespace"] == "produce"
        if manifest["kind"] not in BEYOND:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_kubernetes_would_not_take_a_slip() -> None:
    (deployment, *_) = of_kind("default", "Deployment")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**deployment, "spce": {}}, KUBERNETES, strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_two_manifests_are_one(variant: str) -> None:
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in RENDERED[variant]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("variant", VARIANTS)
def test_there_is_a_deployment_for_each_of_the_eight_processes(variant: str) -> None:
    commands = {tuple(container_of(each)["args"]) for each in of_kind(variant, "Deployment")}
    assert commands == {
        (verb, service) for verb in ("serve", "work") for service in ("gateway", "listing", "matching", "logistics")
    }


@pytest.mark.parametrize("workload", PODS)
async def test_it_starts_with_just_what_it_is_told(workload: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    command: Sequence[str] = container_of(workload)["args"]
    parse_command(command)
    environment = environment_of(workload)
    assert set(environment) <= readable_by(command)
    app = await started(command, environment, monkeypatch)
    assert (app is None) == (workload["kind"] == "Job")
    if app is None:
        return
    (port,) = container_of(workload)["ports"]
    assert environment["DUIJIE_PORT"] == str(port["containerPort"])
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = container_of(workload)[probe]["httpGet"]
        assert asked["path"].split("?")[0] in paths_of(app)
        assert asked["port"] == port["name"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_secret_is_named_and_never_written(variant: str) -> None:
    assert not of_kind(variant, "Secret")
    for workload in of_kind(variant, "Deployment", "Job"):
        for each in container_of(workload)["env"]:
            if all_variables().get(each["name"]):
                assert set(each["valueFrom"]["secretKeyRef"]) == {"name", "key"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_pod_can_do_harm(variant: str) -> None:
    for workload in of_kind(variant, "Deployment", "Job"):
        pod, container = pod_of(workload)["spec"], container_of(workload)
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False  # a Service called duijie would set DUIJIE_PORT to an address
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        security = container["securityContext"]
        assert security["runAsNonRoot"] is security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        user = f"USER {security['runAsUser']}:{security['runAsGroup']}"
        assert user in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
        assert container["resources"]["limits"]["memory"]
        assert is_pinned(container["image"])
        assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in pod["volumes"]}


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_has_time_to_end(variant: str) -> None:
    """First no endpoint points to it any more, then it drains; only then is it killed."""
    for workload in of_kind(variant, "Deployment"):
        waits_s = container_of(workload).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert pod_of(workload)["spec"]["terminationGracePeriodSeconds"] >= waits_s + END_WITHIN_S + 1


@pytest.mark.parametrize("variant", VARIANTS)
def test_services_lead_to_the_pods_of_one_api(variant: str) -> None:
    for service in of_kind(variant, "Service"):
        name = service["metadata"]["name"]
        reached = selected(service["spec"]["selector"], variant)
        assert len(reached) == 8 if name.endswith("-metrics") else reached == [name]
        for port in service["spec"]["ports"]:
            for workload in of_kind(variant, "Deployment"):
                assert port["targetPort"] in {each["name"] for each in container_of(workload)["ports"]}


@pytest.mark.parametrize("variant", VARIANTS)
def test_addresses_of_each_other_are_those_of_services(variant: str) -> None:
    addresses = {
        f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
        for service in of_kind(variant, "Service")
    }
    for workload in of_kind(variant, "Deployment"):
        for name, value in environment_of(workload).items():
            if value.startswith("http://") and name.startswith("DUIJIE_") and name != "DUIJIE_LOGISTICS_ROADS_URL":
                assert value.removesuffix("/.well-known/jwks.json") in addresses


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_scales_and_guards_points_to_something(variant: str) -> None:
    deployments = {each["metadata"]["name"]: each for each in of_kind(variant, "Deployment")}
    for scaler in of_kind(variant, "HorizontalPodAutoscaler"):
        assert "replicas" not in deployments[scaler["spec"]["scaleTargetRef"]["name"]]["spec"]
        assert "-worker" not in scaler["metadata"]["name"]
    for budget in of_kind(variant, "PodDisruptionBudget"):
        (guarded,) = selected(budget["spec"]["selector"]["matchLabels"], variant)
        assert deployments[guarded]["spec"].get("replicas", 2) > 1


def test_network_policies_name_the_port_of_the_pods() -> None:
    """By its number: not every network knows the names of another pod's ports."""
    ports = {container_of(each)["ports"][0]["containerPort"] for each in of_kind("full", "Deployment")}
    ways_out = [each for each in of_kind("full", "NetworkPolicy") if each["spec"]["policyTypes"] == ["Egress"]]
    way_out, to_webhooks = sorted(ways_out, key=lambda each: str(each["metadata"]["name"]))
    assert to_webhooks["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "matching-worker"
    allowed = {port["port"] for rule in way_out["spec"]["egress"] for port in rule["ports"]}
    assert allowed == ports | {53, 4318, 5432, 9092, 9093}
    ways_in = [each for each in of_kind("full", "NetworkPolicy") if each["spec"]["policyTypes"] == ["Ingress"]]
    assert {port["port"] for each in ways_in for rule in each["spec"]["ingress"] for port in rule["ports"]} == ports
    assert all(rule["from"] for each in ways_in for rule in each["spec"]["ingress"])


def test_databases_and_topics_are_brought_up_to_date_first_and_in_that_order() -> None:
    jobs = of_kind("default", "Job")
    weights = {each["metadata"]["name"]: int(each["metadata"]["annotations"]["helm.sh/hook-weight"]) for each in jobs}
    assert list(weights) == ["duijie-migrate", "duijie-topics"]
    assert weights["duijie-migrate"] < weights["duijie-topics"]
    assert {each["metadata"]["annotations"]["helm.sh/hook"] for each in jobs} == {"pre-install,pre-upgrade"}
    assert not any("serviceAccountName" in pod_of(each)["spec"] for each in jobs)


def test_kafkas_certificates_are_where_the_program_is_told() -> None:
    for workload in of_kind("full", "Deployment", "Job"):
        files = {value for name, value in environment_of(workload).items() if name.endswith("_FILE")}
        mounted = {each["mountPath"] for each in container_of(workload)["volumeMounts"]}
        assert len(files) == (3 if "DUIJIE_KAFKA_BOOTSTRAP" in environment_of(workload) else 0)
        assert {str(Path(file).parent) for file in files} <= mounted


def test_the_world_sees_no_operators_pages() -> None:
    (ingress,) = of_kind("full", "Ingress")
    paths = {each["path"]: each["pathType"] for each in ingress["spec"]["rules"][0]["http"]["paths"]}
    assert paths["/"] == "Exact"
    assert not {"/metrics", "/healthz", "/readyz"} & set(paths)


async def test_the_world_sees_every_page_of_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    (ingress,) = of_kind("full", "Ingress")
    paths = {each["path"]: each["pathType"] for each in ingress["spec"]["rules"][0]["http"]["paths"]}
    workload = next(
        each for each in of_kind("full", "Deployment") if container_of(each)["args"] == ["serve", "gateway"]
    )
    app = await started(container_of(workload)["args"], environment_of(workload), monkeypatch)
    assert app is not None
    elsewhere = "/{path:path}"  # the page that there is no such page
    for path in paths_of(app) - {"/metrics", "/healthz", "/readyz", "/openapi.json", "/", elsewhere}:
        assert any(path == each or path.startswith(f"{each}/") for each, kind in paths.items() if kind == "Prefix")


@pytest.mark.parametrize(
    "wrong",
    [
        {"image": {"tag": "latest"}},
        {"kafka": {"securityProtocol": "TLS"}},
        {"kafka": {"bootstrap": "kafka"}},
        {"termination": {"graceSeconds": 5}},
        {"services": {"listing": {"api": {"replica": 3}}}},
        {"services": {"logistics": {"roads": {"source": "atlas", "url": "http://osrm:5000"}}}},
        {"password": "secret"},
    ],
)
def test_values_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError):
        render(wrong)


def test_notes_say_which_secrets_are_read_and_where_to_go() -> None:
    _, notes = render(FULL)
    for word in ("https://duijie.example.org/", "signing-key", "duijie-kafka: username, password", "kafka-tls: ca.crt"):
        assert word in notes
    assert "without TLS" in render(SMALL)[1]


def test_the_chart_is_of_the_programs_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert load(CHART / "Chart.yaml")["appVersion"] == version
