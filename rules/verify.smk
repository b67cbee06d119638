# What takes results as they lie there and builds nothing: verification, and the archive of a campaign. These rules have
# no inputs, so that nothing is built first, and no outputs, so that they always run.


rule verify:
    log:
        f"logs/{PLAN.campaign}/verify.log",
    container:
        IMAGE
    resources:
        **ASKS.fixed(memory=4000, minutes=120),
    params:
        spec=lambda wildcards: CAMPAIGN.verification(),
    message:
        "Verify the results of the campaign"
    script:
        "../scripts/verify.py"


rule crate:
    log:
        f"logs/{PLAN.campaign}/crate.log",
    localrule: True
    container:
        IMAGE
    params:
        spec=lambda wildcards: CAMPAIGN.archive(),
    message:
        "Pack the results of the campaign"
    script:
        "../scripts/pack_crate.py"
