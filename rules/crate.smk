# The results of a campaign as one file for an archive. Like verification it takes what lies there and builds nothing.


rule crate:
    log:
        f"logs/{PLAN.campaign}/crate.log",
    localrule: True
    conda:
        "../envs/crate.yaml"
    params:
        spec=lambda wildcards: canonical(
            {
                "target": f"results/crates/{PLAN.campaign}.crate.zip",
                "campaign": PLAN.campaign,
                "title": PLAN.config["title"],
                "summary": PLAN.config["summary"],
                # As text, which keeps the order of arms, figures and claims.
                "config": json.dumps(config, indent=2),
                "jobs": list(planned_jobs()),
            }
        ),
    message:
        "Pack the results of the campaign"
    script:
        "../scripts/pack_crate.py"
