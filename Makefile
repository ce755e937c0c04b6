# Two commands: `make app` serves the app, `make test` passes the tests. Both make .venv first where it is missing.
PYTHON ?= python3.11
BIN := .venv/bin

# Containers often set it; then each of the tests' many processes would compile all its imports again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: app test lint types format clean

app: .venv/app.stamp
	$(BIN)/streamlit run app.py

# One thread in each process: two tests side by side beat one test on two threads. In the order of files: those in
# a browser, which take longest, begin first.
test: .venv/test.stamp lint types
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadgroup --no-loadscope-reorder

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/test.stamp
	$(BIN)/mypy

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.venv/bin/python:
	$(PYTHON) -m venv .venv

# Python compiles what it imports, once; pip would compile all of it, which takes a third of the time.
.venv/app.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --no-compile -r requirements.txt
	touch $@

# Training is tested too, so the tests need its packages.
.venv/test.stamp: .venv/app.stamp requirements-training.txt requirements-onnx.txt requirements-test.txt
	$(BIN)/python -m pip install --quiet --no-compile $(patsubst %,-r requirements-%.txt,training onnx test)
	touch $@

clean:
	rm -rf .venv
