# Training: the initial weights of each seed, then segment after segment. A user's model is tried before.


rule check_model:
    input:
        data=lambda wildcards: data_path(PLAN.segments[wildcards.initial].data),
        settings=lambda wildcards: shared_settings(
            f"results/segments/{wildcards.initial}/check.json",
            digests("check_model.py"),
        ),
    output:
        findings="results/segments/{initial}/check.json",
    log:
        "logs/check_model/{initial}.log",
    wildcard_constraints:
        initial=INITIAL_NAME,
    conda:
        "../envs/train.yaml"
    resources:
        mem_mb=4000,
    params:
        spec=lambda wildcards: canonical(PLAN.segments[wildcards.initial].spec),
        # Not compared, because it asks for `output`: where the file lies; `spec` knows it by its code.
        source=lambda wildcards, output: model_source(PLAN, wildcards.initial),
        code=code("check_model.py"),
        env=env("check_model.py"),
        identity=lambda wildcards: identity_chain(PLAN, wildcards.initial),
    message:
        "Try the model of {wildcards.initial}"
    script:
        "../scripts/check_model.py"


rule initialise_model:
    input:
        data=lambda wildcards: data_path(PLAN.segments[f"{wildcards.initial}"].data),
        checked=lambda wildcards: model_check(wildcards.initial),
        settings=lambda wildcards: shared_settings(
            segment_path(wildcards.initial, wildcards.block),
            segment_digests(wildcards.initial),
        ),
    output:
        state="results/segments/{initial}/seeds-{block}/state.npz",
        history="results/segments/{initial}/seeds-{block}/history.csv",
        distances="results/segments/{initial}/seeds-{block}/distances.csv",
    log:
        "logs/initialise_model/{initial}/seeds-{block}.log",
    wildcard_constraints:
        initial=INITIAL_NAME,
    priority: lambda wildcards: PRIORITIES[wildcards.initial]
    conda:
        "../envs/train.yaml"
    resources:
        mem_mb=4000,
    params:
        spec=lambda wildcards: segment_spec(wildcards.initial, wildcards.block),
        # Not compared, because it asks for `output`: the place of a user's model, which `spec` knows by its code.
        source=lambda wildcards, output: model_source(PLAN, wildcards.initial),
        code=lambda wildcards: segment_digests(wildcards.initial)["code"],
        env=env("initialise_model.py"),
        identity=lambda wildcards: identity_chain(PLAN, wildcards.initial),
    message:
        "Draw the initial weights {wildcards.initial}, seeds {wildcards.block}"
    script:
        "../scripts/initialise_model.py"


rule train_segment:
    input:
        data=lambda wildcards: data_path(PLAN.segments[wildcards.segment].data),
        initial=lambda wildcards: segment_path(
            PLAN.segments[wildcards.segment].initial, wildcards.block
        ),
        parent=lambda wildcards: segment_path(
            PLAN.segments[wildcards.segment].parent, wildcards.block
        ),
        settings=lambda wildcards: shared_settings(
            segment_path(wildcards.segment, wildcards.block),
            segment_digests(wildcards.segment),
        ),
    output:
        state="results/segments/{segment}/seeds-{block}/state.npz",
        history="results/segments/{segment}/seeds-{block}/history.csv",
        distances="results/segments/{segment}/seeds-{block}/distances.csv",
    log:
        "logs/train_segment/{segment}/seeds-{block}.log",
    wildcard_constraints:
        segment=TRAINED_NAME,
    priority: lambda wildcards: PRIORITIES[wildcards.segment]
    conda:
        "../envs/train.yaml"
    resources:
        mem_mb=4000,
    params:
        spec=lambda wildcards: segment_spec(wildcards.segment, wildcards.block),
        source=lambda wildcards, output: model_source(PLAN, wildcards.segment),
        code=lambda wildcards: segment_digests(wildcards.segment)["code"],
        env=env("train_segment.py"),
        identity=lambda wildcards: identity_chain(PLAN, wildcards.segment),
    message:
        "Train {wildcards.segment}, seeds {wildcards.block}"
    script:
        "../scripts/train_segment.py"
