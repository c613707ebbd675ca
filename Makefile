# Everything the project does, one line each. Needs Python 3.11 or newer: `make run PYTHON=python3.12` picks one.
PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
OUT ?= outputs

.PHONY: run lab book figures test words times gpu browser colab release address clean

run: $(VENV)/lab          ## set up, run the lessons on the embedded digits, and end with a table
	$(BIN)/python -m dckit lessons notebooks --out $(OUT)

lab: $(VENV)/lab          ## open JupyterLab on lesson 0
	$(BIN)/jupyter lab notebooks/00_start_here.ipynb

book: $(VENV)/book        ## one site of the executed lessons, readable offline; lessons not run yet are run first
	$(BIN)/python tools/book.py --out $(OUT)

figures: $(VENV)/lab      ## the pictures of the executed lessons, for slides; after `make run`
	$(BIN)/python tools/figures.py $(OUT)

test: $(VENV)/dev         ## linter, type checker, tests, every lesson
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile   # a process a core, so a thread a process

words: $(VENV)/dev        ## long sentences, phrases that are not plain English, terms without a link, lessons too long
	$(BIN)/python tools/words.py

times: $(VENV)/dev        ## write the lessons' times, as the last `make run` measured them, wherever they are told
	$(BIN)/python tools/times.py $(OUT)/times.json

gpu: $(VENV)/dev          ## the tests that need a GPU, without and with CUDA graphs; all are skipped where there is none
	$(BIN)/pytest -m gpu

browser: $(VENV)/dev $(VENV)/browser    ## every lesson in JupyterLab and Notebook 7, and the book, in Chromium
	DCKIT_BROWSER=1 DCKIT_SCREENSHOTS=$(OUT)/screenshots $(BIN)/pytest tests/test_*_in_a_browser.py -k '$(ONLY)'

colab:                    ## every lesson with the versions that Colab has; fails if installing the kit would change them
	$(PYTHON) -m venv .venv-colab
	.venv-colab/bin/python -m pip install --quiet -r tools/colab.txt
	.venv-colab/bin/python tools/colab.py

release:                  ## the wheel and the condensed sets, in dist
	$(PYTHON) -m pip wheel --no-deps --wheel-dir dist .
	cd dckit/data/sets && $(PYTHON) -m zipfile -c ../../../dist/condensed-sets.zip *.safetensors

address: $(VENV)/dev      ## write the address in pyproject.toml into badges and set-up cells
	$(BIN)/python tools/address.py

clean:                    ## remove what the targets above made
	rm -rf $(VENV) .venv-colab dist $(OUT)

# The environment is made anew when pyproject.toml changes; the files inside it say what it holds.
$(VENV)/lab $(VENV)/book $(VENV)/dev $(VENV)/browser: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --editable '.[$(notdir $@)]'
	touch $@
