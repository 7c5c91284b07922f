"""`serving/` is for the real TF Serving; here is checked what can be without it."""

import copy
import json
import re
import shlex
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from kerasdl.errors import InputError
from kerasdl.server import flags, metrics
from kerasdl.server.config import read_batching, read_models, read_monitoring
from kerasdl.server.settings import METRICS_PATH

SERVING = Path(__file__).parents[1] / "serving"
KUBERNETES = SERVING / "kubernetes"
CONFIGS = ("models.config", "batching.config", "monitoring.config")
SCHEMAS = ("1.30", "1.37")  # releases of Kubernetes
# What the real TF Serving exports and the embedded server does not; it stands on the page that was
# recorded from it.
REAL_ALONE = {":tensorflow:serving:batching_session:wrapped_run_count"}


def read(*path):
    return yaml.safe_load(SERVING.joinpath(*path).read_text(encoding="utf-8"))


def manifests():
    return {
        name: read("kubernetes", name)
        for name in read("kubernetes", "kustomization.yaml")["resources"]
    }


def manifest(kind):
    (found,) = (each for each in manifests().values() if each["kind"] == kind)
    return found


def container():
    (found,) = manifest("Deployment")["spec"]["template"]["spec"]["containers"]
    return found


def compose():
    return read("docker-compose.yml")["services"]


def settings_of(arguments):
    """What `kerasdl serve` makes of TF Serving's arguments, on the files of `serving/`."""
    return flags.parse([each.replace("=/config/", f"={SERVING}/") for each in arguments])


# ---- the files that TF Serving reads -------------------------------------------------------------


def test_models_config_is_what_tf_serving_reads():
    text = (SERVING / "models.config").read_text()
    (model,) = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    assert (model.name, model.model_platform) == ("vit_digits", "tensorflow")
    assert model.base_path.startswith("/models/")  # TF Serving refuses relative paths
    assert model.model_version_policy.HasField("all")


def test_batching_config_is_what_tf_serving_reads():
    parameters = read_batching(SERVING / "batching.config")
    assert parameters.max_batch_size.value >= 1
    assert parameters.num_batch_threads.value >= 1


def test_a_misspelt_parameter_is_seen(tmp_path):
    text = (SERVING / "batching.config").read_text()
    (tmp_path / "batching").write_text(text.replace("max_batch_size", "max_batch_sizes"))
    with pytest.raises(InputError, match="max_batch_sizes"):
        read_batching(tmp_path / "batching")


def test_prometheus_reads_the_page_of_monitoring_config():
    path = read_monitoring(SERVING / "monitoring.config")
    (job,) = read("prometheus.yml")["scrape_configs"]
    assert path == job["metrics_path"]
    assert job["static_configs"] == [{"targets": ["tf-serving:8501"]}]
    assert {"tf-serving", "prometheus"} <= set(compose())  # hosts, by the names of the services


@pytest.mark.parametrize("arguments", [compose()["tf-serving"]["command"], container()["args"]])
def test_the_embedded_server_takes_the_same_arguments(arguments):
    settings = settings_of(arguments)
    assert settings.rest_api_port == 8501
    assert settings.batching.max_batch_size == 64
    assert settings.batching.num_batch_threads == 2
    assert settings.metrics_path == METRICS_PATH
    (model,) = read_models(settings.model_config_file)
    assert model.name == "vit_digits"


# ---- compose -------------------------------------------------------------------------------------


def test_compose_file_mounts_what_is_named():
    service = compose()["tf-serving"]
    assert "${MODELS:-../served}:/models:ro" in service["volumes"]
    for name in CONFIGS:
        assert f"./{name}:/config/{name}:ro" in service["volumes"]
        assert any(each.endswith(f"=/config/{name}") for each in service["command"])
    for each in compose().values():
        for volume in each["volumes"]:
            if volume.startswith("./"):
                assert (SERVING / volume.split(":")[0]).exists(), volume


def test_compose_file_publishes_to_this_machine_only():
    ports = {name: service["ports"] for name, service in compose().items()}
    assert ports == {
        "tf-serving": ["127.0.0.1:8501:8501"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


def test_monitoring_starts_only_when_asked_for():
    profiles = {name: service.get("profiles") for name, service in compose().items()}
    assert profiles == {"tf-serving": None, "prometheus": ["monitoring"], "grafana": ["monitoring"]}


# ---- the dashboard -------------------------------------------------------------------------------


def test_grafana_finds_the_dashboard_and_its_data():
    (source,) = read("grafana", "provisioning", "datasources", "prometheus.yml")["datasources"]
    (provider,) = read("grafana", "provisioning", "dashboards", "serving.yml")["providers"]
    assert source["url"] == "http://prometheus:9090"
    mounted = f"./grafana/dashboards:{provider['options']['path']}:ro"
    assert mounted in compose()["grafana"]["volumes"]
    for panel in dashboard()["panels"]:
        assert panel["datasource"] == {"type": "prometheus", "uid": source["uid"]}


def test_the_dashboard_asks_for_metrics_that_there_are():
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", metrics.page().decode(), re.M))
    exported = set(REAL_ALONE)
    for name, kind in kinds.items():
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        exported |= {name + end for end in ends}
    queries = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    queries += [each["definition"] for each in dashboard()["templating"]["list"]]
    asked = {name for query in queries for name in re.findall(r":tensorflow:[\w:]+", query)}
    assert len(asked) > 6
    assert asked <= exported
    assert not REAL_ALONE & set(kinds)  # else they need not be named above


def test_the_dashboard_selects_by_labels_that_there_are():
    labels = {metric.name: {*metric.labels, "le"} for metric in metrics._METRICS}
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            (names,) = re.findall(r"by \(([^)]*)\)", target["expr"]) or [""]
            name = re.search(r":tensorflow:[\w:]+", target["expr"])[0]
            name = re.sub("_(bucket|sum|count)$", "", name) if name not in labels else name
            assert set(filter(None, names.split(", "))) <= labels.get(name, set()), target


def dashboard():
    return json.loads((SERVING / "grafana" / "dashboards" / "serving.json").read_text())


# ---- Kubernetes ----------------------------------------------------------------------------------


def test_all_manifests_are_applied():
    listed = set(read("kubernetes", "kustomization.yaml")["resources"])
    assert listed == {file.name for file in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml"}
    assert len(listed) == 6


@pytest.mark.parametrize("version", SCHEMAS)
@pytest.mark.parametrize("name", manifests())
def test_manifests_fit_the_schema(name, version):
    kubernetes_validate.validate(manifests()[name], version, strict=True)


def paths(value, path=()):
    """The path of each field of a manifest that the schema knows by name."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        if isinstance(key, str):
            yield (*path, key)
        if isinstance(each, dict | list) and key not in _FREE:
            yield from paths(each, (*path, key))


# Maps whose keys are the user's own.
_FREE = {"annotations", "data", "labels", "limits", "matchLabels", "requests", "selector"}


@pytest.mark.parametrize("name", manifests())
def test_a_misspelt_field_is_seen(name):
    whole = manifests()[name]
    for path in paths(whole):
        if path[0] in ("apiVersion", "kind"):
            continue  # they say which schema
        broken = copy.deepcopy(whole)
        inner = broken
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1] + "s"] = inner.pop(path[-1])
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(broken, SCHEMAS[-1], strict=True)


def test_the_config_map_holds_the_files():
    texts = {name: (SERVING / name).read_text() for name in CONFIGS}
    assert manifest("ConfigMap")["data"] == texts


def test_the_deployment_mounts_what_it_names():
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container()["volumeMounts"]}
    assert mounts == {"models": "/models", "config": "/config", "tmp": "/tmp"}
    volumes = {volume.pop("name"): volume for volume in pod["volumes"]}
    assert volumes["config"]["configMap"]["name"] == manifest("ConfigMap")["metadata"]["name"]
    claim = manifest("PersistentVolumeClaim")["metadata"]["name"]
    assert volumes["models"]["persistentVolumeClaim"]["claimName"] == claim
    (model,) = read_models(SERVING / "models.config")
    assert model.base_path == Path(mounts["models"]) / model.name
    for probe in ("startupProbe", "readinessProbe"):
        assert container()[probe]["httpGet"] == {"path": f"/v1/models/{model.name}", "port": "rest"}


def test_the_ports_are_those_of_the_arguments():
    ports = {port["name"]: port["containerPort"] for port in container()["ports"]}
    settings = settings_of(container()["args"])
    assert ports == {"grpc": settings.port, "rest": settings.rest_api_port}
    service = {port["name"]: port for port in manifest("Service")["spec"]["ports"]}
    assert {name: port["port"] for name, port in service.items()} == ports
    assert {name: port["targetPort"] for name, port in service.items()} == dict(zip(ports, ports))
    annotations = manifest("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(ports["rest"])
    assert annotations["prometheus.io/path"] == settings.metrics_path


def test_selectors_find_the_pods():
    deployment = manifest("Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    (spread,) = deployment["template"]["spec"]["topologySpreadConstraints"]
    for selector in (deployment, spread, manifest("PodDisruptionBudget")["spec"]):
        (found,) = (selector[key] for key in ("selector", "labelSelector") if key in selector)
        assert found == {"matchLabels": labels}
    assert manifest("Service")["spec"]["selector"] == labels
    scaled = manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    whole = manifest("Deployment")
    named = {"apiVersion": whole["apiVersion"], "kind": "Deployment"}
    assert scaled == named | {"name": whole["metadata"]["name"]}


def test_no_request_is_lost_when_pods_change():
    deployment = manifest("Deployment")["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "replicas" not in deployment  # the autoscaler's to say
    assert manifest("HorizontalPodAutoscaler")["spec"]["minReplicas"] >= 2
    command, seconds = container()["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    longest = settings_of(container()["args"]).rest_api_timeout_in_ms / 1000
    pod = deployment["template"]["spec"]
    assert longest < int(seconds) < pod["terminationGracePeriodSeconds"]


def test_the_pod_may_do_little():
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] > 0
    assert not pod["automountServiceAccountToken"]
    assert container()["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_threads_are_as_many_as_cores():
    cores = int(container()["resources"]["requests"]["cpu"])
    settings = settings_of(container()["args"])
    assert (settings.intra_op, settings.inter_op) == (cores, cores)
    assert settings.batching.num_batch_threads == cores


def test_images_are_the_real_ones():
    (image,) = read("kubernetes", "kustomization.yaml")["images"]
    assert container()["image"] == image["name"] == "tensorflow/serving"
    assert image["newTag"] != "latest"
    images = [service["image"].split(":")[0] for service in compose().values()]
    assert images == ["tensorflow/serving", "prom/prometheus", "grafana/grafana"]


def test_kserve_serves_the_same_model():
    # The schema of its resource is not among Kubernetes' own; its fields are compared by hand.
    service = read("kserve", "inference_service.yaml")
    assert service["apiVersion"] == "serving.kserve.io/v1beta1"
    assert service["kind"] == "InferenceService"
    assert set(service) == {"apiVersion", "kind", "metadata", "spec"}
    (model,) = read_models(SERVING / "models.config")
    assert service["metadata"] == {"name": model.name.replace("_", "-")}
    predictor = service["spec"]["predictor"]
    scaled = manifest("HorizontalPodAutoscaler")["spec"]
    assert {key: predictor[key] for key in ("minReplicas", "maxReplicas")} == {
        key: scaled[key] for key in ("minReplicas", "maxReplicas")
    }
    claim = manifest("PersistentVolumeClaim")["metadata"]["name"]
    assert predictor["model"] == {
        "modelFormat": {"name": "tensorflow", "version": "2"},
        "protocolVersion": "v1",
        "storageUri": f"pvc://{claim}/{model.name}",
        "resources": container()["resources"],
    }


# ---- the text ------------------------------------------------------------------------------------


def test_shell_calls_in_the_readme_are_well_formed():
    text = (SERVING / "README.md").read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.S)
    assert len(blocks) >= 10
    for block in blocks:
        words = shlex.split(block, comments=True)  # quotes are balanced
        for url in re.findall(r"http://\S+", block):
            path = url.removeprefix("http://127.0.0.1:8501")
            assert path in ("", METRICS_PATH) or path.startswith("/v1/models/vit_digits"), url
        for word in words:
            if word.startswith("serving/"):
                assert (SERVING.parent / word).exists(), word
        if "make" in words:
            target = words[words.index("make") + 1]
            assert f"\n{target}:" in (SERVING.parent / "Makefile").read_text()
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (SERVING / link).exists(), link
