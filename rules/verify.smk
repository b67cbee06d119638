# Verification: results against their records, and a sample of them made again. The rule has no inputs, so that nothing
# is built first, and no outputs, so that it always runs.


rule verify:
    log:
        f"logs/{PLAN.campaign}/verify.log",
    conda:
        "../envs/verify.yaml"
    params:
        spec=lambda wildcards: canonical(
            {
                "campaign": PLAN.campaign,
                "folder": RESULTS,
                "sample": PLAN.config["verify_sample"],
                "seed": PLAN.config.get("verify_seed"),
                "artefacts": list(planned_jobs()),
            }
        ),
    message:
        "Verify the results of the campaign"
    script:
        "../scripts/verify.py"
