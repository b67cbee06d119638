"""The page of an adviser campaign: one sentence for each aim, its reason as a figure, what is open, rules of thumb."""

ADVICE = """\
{% import "figure" as drawn %}
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
main.wide { max-width: 50rem; margin: 0 auto; padding: 1.2rem 1.25rem; }
main.wide .scroll td:not(:first-child) { white-space: nowrap; }
</style>
</head>
<body id="top">
<main class="wide">
<header>
<h1>{{ title }}</h1>
<p class="lead">{{ summary }}</p>
</header>
<section id="answer" class="opening">
<h2>The answer</h2>
<p class="headline"><b>{{ headline }}</b></p>
<dl class="answers">
{% for each in aims %}
<div>
<dt>{{ each.name }}</dt>
<dd><b>{{ each.answer }}.</b>{% if each.open %} {{ each.open }}.{% endif %}</dd>
</div>
{% endfor %}
</dl>
<p>{{ rule }}</p>
<p class="meta">Brackets are 90 % intervals over seeds. The target is {{ target }}. Time is that of training on this machine with nothing else
running. <a href="{{ links.json }}">advice.json</a> has all of it for scripts; numbers are from <a href="{{ links.choices }}">choices.csv</a>,
<a href="{{ links.thumb_rules }}">thumb_rules.csv</a>, <a href="{{ links.cells }}">cells.csv</a> and <a href="{{ links.machine }}">machine.csv</a>.</p>
</section>
{% if warnings %}
<section id="mind">
<h2>What to mind</h2>
<ul>
{% for each in warnings %}
<li>{{ each[:1] | upper }}{{ each[1:] }}.</li>
{% endfor %}
</ul>
</section>
{% endif %}
<section id="more">
<h2>What more time would tell</h2>
{% if more %}
<ul>
{% for each in more %}
<li>{{ each }}.</li>
{% endfor %}
</ul>
{% else %}
<p>Nothing that is left is likely to change the answer.</p>
{% endif %}
<p class="meta">{% for each in rest %}{{ each }}. {% endfor %}A larger budget trains what is missing and nothing else.</p>
</section>
<section id="why">
<h2>Why</h2>
{% for figure in figures %}
{{ drawn.figure(figure, "") }}
{% endfor %}
</section>
<section id="rules">
<h2>What rules of thumb would have said</h2>
<div class="scroll">
<table>
<thead><tr><th scope="col">Rule</th><th scope="col">B</th><th scope="col">Learning rate</th><th scope="col">Time to the target, best = 1</th></tr></thead>
<tbody>
{% for row in rules %}
<tr><td>{{ row.rule }}</td><td>{{ row.batch_size }}</td><td>{{ row.learning_rate }}</td><td>{{ row.cost }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
</section>
<section id="noise">
<h2>What the gradients of your present setting say</h2>
<p>Published rules turn the noise of the gradients into a batch size. They cost seconds and look at one run; what was trained above decides. A dash
stands where the noise cannot be told from the signal.</p>
<div class="scroll">
<table>
<thead><tr><th scope="col">Rule</th>{% for epoch in noise.epochs %}<th scope="col">after epoch {{ epoch }}</th>{% endfor %}</tr></thead>
<tbody>
{% for name, sizes in noise.rules %}
<tr><td>{{ name }}</td>{% for size in sizes %}<td>{{ size }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
</div>
<p>{{ knee }}.{% if foresight %} {{ foresight }}.{% endif %}</p>
<p class="meta">From <a href="{{ links.batch_by_noise }}">batch_by_noise.csv</a> and <a href="{{ links.knee }}">knee.csv</a>.</p>
</section>
<section id="keras">
<h2>In Keras</h2>
<pre tabindex="0"><code>{{ snippet }}</code></pre>
</section>
</main>
</body>
</html>
"""  # noqa: E501 - lines of HTML

# What a user of Keras writes; the test of the page runs it.
SNIPPET = """\
import json, keras
best = json.load(open("advice.json"))["aims"]["time"]
model.compile(keras.optimizers.get(best["optimizer"]), keras.losses.{loss})
model.fit(x, y, batch_size=best["micro_batch"], epochs=best["epochs"])"""
# Task → its loss there.
LOSSES = {
    "classification": "SparseCategoricalCrossentropy(from_logits=True)",
    "next_token": "SparseCategoricalCrossentropy(from_logits=True)",
    "binary": "BinaryCrossentropy(from_logits=True)",
    "multilabel": "BinaryCrossentropy(from_logits=True)",
    "regression": "MeanSquaredError()",
}
