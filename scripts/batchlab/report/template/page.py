"""The page as a whole: contents beside it, answers, claims, limits, studies, and how all of it was computed."""

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{ title }}</title>
<link rel="icon" href="data:,">
<style>
{% include "style" %}
</style>
</head>
<body id="top">
<a class="skip" href="#answer">Skip to the answer</a>
<div class="page">
{% include "navigation" %}
<main>
{% include "opening" %}
{% for study in studies %}
{% include "study" %}
{% endfor %}
{% include "closing" %}
</main>
</div>
<footer><p>Numbers and figures of this page are in the files linked beside them; settings and digests of each file are in the
<code>.provenance.json</code> next to it. <a href="#top">Back to the top</a></p></footer>
<script>
{% include "script" %}
</script>
</body>
</html>
"""  # noqa: E501 - lines of HTML
