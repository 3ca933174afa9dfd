# All targets can be repeated safely, and are quick the second time.
#   make run [VIDEO=path]   set up, start everything, process a video, save its result in outputs/
#   make up                 set up, start everything and keep it running
#   make check              style, types, architecture, spelling, the proto, unit tests and a smoke test
#                           of one system: at most 5 minutes on two cores
#   make test               the same with all integration tests, and of the system tests of each family
#                           the one that catches most: at most 12 minutes
#   make test-all           every test: at most 45 minutes
#   make style | unit | smoke | integration
#                           the parts of them
#   make models             fetch the weights of all models
#   make evaluate [IMAGES=folder ANNOTATIONS=file MODEL=name]
#                           average precision on labelled images; variables may come from the environment
#   make evaluate-tracking [DETECTIONS=file GROUND_TRUTH=file]
#                           MOTA, IDF1 and id switches on labelled sequences in MOTChallenge format
#   make evaluate-ids       track ids on videos with hand-labelled people
#   make bench              whole videos through the real stack, beside the ideal; about 12 minutes
#   make bench-encoding     x264 settings: time, size and similarity
#   make bench-transfer     ways to send a frame to inference
#   make bench-long         memory of every process during a two-hour video; about 15 minutes
#   make bench-scale        a long video with 1 to 8 replicas that sleep; over an hour
#   make bench-uploads      200 concurrent uploads: none lost, memory of the gateway
#   make bench-footprint    resources at idle, storage per minute of video; about 8 minutes
#   make bench-tracker      time per frame of the tracker, beside SORT
#   make bench-cuts         time per frame of cut detection, beside PySceneDetect
#   make bench-smoothing    jitter and lag of smoothed keypoints
#   make bench-inference    frames per second beside OpenCV, TensorFlow and OpenVINO
#   make bench-memory       memory of the inference service over 10,000 frames
#   make images [TARGETS="poseway-inference-gpu ..."] [BASE=image] [TAG=tag] [REGISTRY=prefix]
#                           [PLATFORM=linux/arm64]
#                           build the services' images, with docker, buildah or podman
#   make sbom               bills of materials of the images in CycloneDX format, in build/sbom
#   make base-image         a base image, if no container registry is reachable; needs root
#   make test-containers    builds the images on that base and runs the manifests with podman
#   make test-chaos         some 50 faults while jobs run: kills, freezes, cuts, a full disk; 20 minutes
#   make test-hostile       some 360 files that are meant to harm, each through the real stack; 10 minutes
#   make test-load          500 jobs at once, then ten minutes of jobs one after the other; some 16 minutes
#   make audit              check all pinned packages for known vulnerabilities
#   make pictures           create the images in README.md with Poseway itself; needs chromium
#   make tables             update the tables in docs/ that are generated from the code
#   make recorded           for a release: record the proto and files that later versions must read
PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV   := .venv
BIN    := $(VENV)/bin
VIDEO  ?=
ARGS   ?=
IMAGES      ?= ../shared/eval/coco/images
ANNOTATIONS ?= ../shared/eval/coco/person_keypoints.json
MODEL       ?=
TARGETS     ?=
# Default: the labelled sequences of the evaluation data.
DETECTIONS   ?=
GROUND_TRUTH ?=
# Passed in the environment, so that names may contain spaces and quotes.
export VIDEO IMAGES ANNOTATIONS MODEL DETECTIONS GROUND_TRUTH

STUBS  := poseway/v1/.generated
PROTOS := $(wildcard proto/poseway/v1/*.proto)

.PHONY: run up check test test-all style unit smoke integration evaluate labels evaluate-tracking sequences evaluate-ids \
	bench bench-encoding bench-transfer bench-long bench-scale bench-uploads bench-footprint bench-tracker \
	bench-cuts bench-smoothing bench-inference bench-memory pictures tables recorded stubs weights models sample locks clean \
	images sbom base-image test-containers test-hostile test-chaos test-load audit

run: $(STUBS) weights $(if $(VIDEO),,sample)
	@$(BIN)/poseway run $(ARGS) -- "$${VIDEO:-build/sample/demo.mp4}"

up: $(STUBS) weights sample
	@$(BIN)/poseway up $(ARGS)

# What the tests of every tier need. Models that cannot be fetched here, for want of npm say, are not
# tested.
READY := $(STUBS) $(VENV)/.test weights sample
FETCH_MODELS = $(BIN)/python -m poseway.local.downloads weights || echo "The tests of these models are skipped."
# One process for each core, each with a system that its tests share; the tests of a file stay together,
# because they share what is slow to set up.
PARALLEL := $(BIN)/pytest -n 2 --dist loadfile

check: style unit smoke

# Everything is collected before anything starts, so tests that wait run beside tests that compute.
test: style $(READY)
	@$(FETCH_MODELS)
	$(PARALLEL) -m "unit or integration or essential" $(ARGS)

# The system tests load the machine themselves, so they run one after the other.
test-all: style $(READY)
	@$(FETCH_MODELS)
	$(PARALLEL) tests/unit tests/integration $(ARGS)
	$(BIN)/pytest tests/system $(ARGS)

# Nothing is started.
style: $(STUBS) $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/codespell
	$(BIN)/buf lint
	$(BIN)/buf breaking --against proto/released.binpb

unit: $(READY)
	@$(FETCH_MODELS)
	$(BIN)/pytest -n 2 --dist worksteal tests/unit $(ARGS)

smoke: $(STUBS) $(VENV)/.test weights
	$(BIN)/pytest tests/integration/test_smoke.py $(ARGS)

integration: $(READY)
	$(BIN)/pytest tests/integration $(ARGS)

evaluate: labels $(STUBS) $(VENV)/.evaluate
	@$(BIN)/python -m poseway.local.downloads weights "$${MODEL:-default}"
	@$(BIN)/poseway evaluate --images "$$IMAGES" --annotations "$$ANNOTATIONS" \
		$${MODEL:+--model "$$MODEL"} $(ARGS)

# Checked before anything is installed.
labels:
	@test -d "$$IMAGES" && test -f "$$ANNOTATIONS" || { exec >&2; \
		echo "No labelled images at $$IMAGES with annotations in $$ANNOTATIONS. Set their paths:"; \
		echo "make evaluate IMAGES=folder ANNOTATIONS=person_keypoints.json"; exit 1; }

# The files of detections. By default, the ground truth of each is the gt.txt in its folder.
SEQUENCES = set -- "$$DETECTIONS"; test "$$DETECTIONS$$GROUND_TRUTH" || \
	set -- "$${POSEWAY_EVAL_DIR:-../shared/eval}"/mot/*/det.txt
TRUTH = "$${GROUND_TRUTH:-$$(dirname -- "$$detections")/gt.txt}"

evaluate-tracking: sequences $(STUBS) $(VENV)/.evaluate
	@$(SEQUENCES); for detections; do \
		$(BIN)/poseway evaluate-tracking --detections "$$detections" --ground-truth $(TRUTH) \
			$(ARGS) || exit 1; done

sequences:
	@$(SEQUENCES); for detections; do \
		test -f "$$detections" && test -f $(TRUTH) || { exec >&2; \
			echo "No labelled sequence at $$detections with ground truth" $(TRUTH)". Set its paths:"; \
			echo "make evaluate-tracking DETECTIONS=det.txt GROUND_TRUTH=gt.txt"; exit 1; }; done

evaluate-ids: $(STUBS) $(VENV)/.evaluate weights sample
	@$(BIN)/python -m benchmarks.ids

bench: $(STUBS) $(VENV)/.run weights sample
	@$(BIN)/python -m benchmarks.end_to_end $(ARGS)

bench-encoding: $(STUBS) $(VENV)/.run sample
	@$(BIN)/python -m benchmarks.encoding $(ARGS)

bench-transfer: $(STUBS) $(VENV)/.run sample
	@$(BIN)/python -m benchmarks.transfer $(ARGS)

bench-long: $(STUBS) $(VENV)/.run weights sample
	@$(BIN)/python -m benchmarks.long $(ARGS)

bench-scale: $(STUBS) $(VENV)/.run weights sample
	@$(BIN)/python -m benchmarks.scale $(ARGS)

bench-uploads: $(STUBS) $(VENV)/.run weights sample
	@$(BIN)/python -m benchmarks.uploads

bench-footprint: $(STUBS) $(VENV)/.run weights sample
	@$(BIN)/python -m benchmarks.footprint $(ARGS)

bench-tracker: $(STUBS) $(VENV)/.run
	@$(BIN)/python -m benchmarks.tracker

bench-cuts: $(STUBS) $(VENV)/.test sample
	@$(BIN)/python -m benchmarks.cuts

bench-smoothing: $(STUBS) $(VENV)/.run
	@$(BIN)/python -m benchmarks.smoothing

bench-inference: $(STUBS) $(VENV)/.openvino weights sample
	@$(BIN)/python -m benchmarks.inference

bench-memory: $(STUBS) $(VENV)/.run weights sample
	@$(BIN)/python -m benchmarks.memory

pictures: $(STUBS) $(VENV)/.test weights sample
	@$(BIN)/python -m tools.pictures

tables: $(STUBS) $(VENV)/.run
	@$(BIN)/python -m tools.tables

recorded: $(STUBS) $(VENV)/.test weights sample
	@$(BIN)/buf breaking --against proto/released.binpb
	@$(BIN)/buf build --exclude-source-info -o proto/released.binpb
	@$(BIN)/python -m tests.system.upgrade.record

# Images contain the default model and all others whose weights have been fetched.
images: weights
	@PYTHON=$(BIN)/python BASE="$(BASE)" TAG="$(TAG)" PLATFORM="$(PLATFORM)" REGISTRY="$(REGISTRY)" \
		deploy/images/build.sh $(TARGETS)

sbom: weights
	@PYTHON=$(BIN)/python BASE="$(BASE)" PLATFORM="$(PLATFORM)" deploy/images/build.sh sboms

base-image:
	@deploy/images/base.sh $(BASE)

test-containers: $(STUBS) $(VENV)/.test weights sample
	POSEWAY_TEST_CONTAINERS=1 $(BIN)/pytest -v -rs tests/system/containers $(ARGS)

test-hostile: $(STUBS) $(VENV)/.test weights sample
	POSEWAY_TEST_HOSTILE=1 $(BIN)/pytest -v tests/system/hostile tests/system/poison tests/unit/poseway/isolation $(ARGS)

test-chaos: $(STUBS) $(VENV)/.test weights sample
	POSEWAY_TEST_CHAOS=$${POSEWAY_TEST_CHAOS:-1} $(BIN)/pytest -v tests/system/chaos $(ARGS)

test-load: $(STUBS) $(VENV)/.test weights sample
	POSEWAY_TEST_LOAD=1 $(BIN)/pytest -v tests/system/load $(ARGS)
	@$(BIN)/python -m tests.system.load.report

audit: $(VENV)/.audit
	@$(BIN)/python -m requirements.audit $(ARGS)

# --- set-up ---------------------------------------------------------------------------------

# Installs wheels only, verified by the lock file's hashes, so no compiler is needed.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes

# The installation includes the package list in pyproject.toml.
$(VENV)/.run: requirements/run.lock pyproject.toml
	@echo "Setting up $(VENV): 550 MB of packages, a few minutes."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Poseway needs Python 3.11. Set its path: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) -r requirements/run.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements/test.lock $(VENV)/.run
	@echo "Adding the test tools to $(VENV): 200 MB."
	@$(INSTALL) -r requirements/test.lock
	@touch $@

$(VENV)/.evaluate: requirements/evaluate.lock $(VENV)/.run
	@echo "Adding the COCO and MOTChallenge metrics to $(VENV): 13 MB."
	@$(INSTALL) -r requirements/evaluate.lock
	@touch $@

$(VENV)/.audit: requirements/audit.lock $(VENV)/.run
	@echo "Adding pip-audit to $(VENV): 20 MB."
	@$(INSTALL) -r requirements/audit.lock
	@touch $@

# The second engine, used once it is installed.
$(VENV)/.openvino: requirements/openvino.lock $(VENV)/.run
	@echo "Adding OpenVINO to $(VENV): 60 MB."
	@$(INSTALL) -r requirements/openvino.lock
	@touch $@

stubs: $(STUBS)

$(STUBS): $(PROTOS) $(VENV)/.run
	@mkdir -p $(@D)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m grpc_tools.protoc -Iproto \
		--python_out=. --grpc_python_out=. --mypy_out=quiet:. --mypy_grpc_out=quiet:. $(PROTOS)
	@touch $@

# The weights of the default model or of all models, and the sample video, verified by their hashes.
weights: $(VENV)/.run
	@$(BIN)/python -m poseway.local.downloads weights default

models: $(VENV)/.run
	@$(BIN)/python -m poseway.local.downloads weights

sample: $(VENV)/.run
	@$(BIN)/python -m poseway.local.downloads sample build/sample

# --- maintenance ----------------------------------------------------------------------------

# Resolves all lock files again; `make locks ARGS=--upgrade` picks newer releases.
locks: $(VENV)/.test
	sh requirements/lock.sh $(ARGS)

clean:
	rm -rf $(VENV) build outputs poseway/v1 .mypy_cache .ruff_cache .pytest_cache
