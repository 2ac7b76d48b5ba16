"use strict";
/* Fills the page from the bundle. */

const bundle = JSON.parse(document.getElementById("bundle").textContent);
const byId = (id) => document.getElementById(id);
const targets = bundle.plan.targets.map((target, index) => ({...target, ...(bundle.targets[index] || {})}));
const drawn = []; /* charts, with what they show */
const CHOICES = {best: "the client that gets more", sync: "threads", async: "events", both: "both"};
let choice = location.hash.slice(1) in CHOICES ? location.hash.slice(1) : "best"; /* report.html#both */

function targetWords(target) {
  return bundle.kind !== "url" && target.bytes ? `${target.label} of ${count(target.bytes)} bytes` : target.label;
}

function targetTitle(target) {
  return bundle.kind === "url" ? target.label : capital(targetWords(target));
}

/* --- the head ------------------------------------------------------------------------------- */

function fillHead() {
  const finding = bundle.summary.finding;
  const date = new Date(bundle.started);
  document.title = `${bundle.plan.title} ${finding.headline}`;
  byId("kicker").textContent = `cristo · ${bundle.plan.title} · measured on ` +
    date.toLocaleDateString("en-GB", {day: "numeric", month: "long", year: "numeric", timeZone: "UTC"});
  byId("question").textContent = bundle.plan.question;
  byId("headline").textContent = finding.headline + ".";
  byId("detail").textContent = capital(finding.detail) + ".";
  fillNotices();
  if (bundle.kind !== "url") fillStrip(finding);
}

function fillNotices() {
  const notices = byId("notices");
  const say = (text, bad) => notices.append(element("p", {class: bad ? "notice bad" : "notice"}, text));
  if (bundle.interrupted) say("Interrupted before its end: some points are missing.", true);
  if (bundle.summary.failed > 0) {
    say(`${count(bundle.summary.failed)} request${bundle.summary.failed === 1 ? "" : "s"} failed: see the table.`, true);
  }
  if (bundle.summary.incomplete > 0) {
    say(`Runs that could not make all their connections in time, and do not count: ${count(bundle.summary.incomplete)}. A longer --duration helps.`, true);
  }
  if (bundle.summary.unsteady > 0) {
    say(`At ${count(bundle.summary.unsteady)} of ${count(bundle.summary.points.length)} points the repeats differ by more than 30 %: the machine had other things to do.`);
  }
  if (bundle.quick) say("A quick run: good for a first look, not for a verdict.");
  const book = bundle.environment.book;
  if (book && book.source === "stand-in") say("Served a stand-in of the novel's shape and size, not its text.");
}

function fillStrip(finding) {
  const looks = {"keeps up": ["keeps", "✓"], "falls behind": ["falls", "✗"]};
  byId("strip-caption").textContent =
    `Replies a second by threads, for each one by events (${finding.target_words}):`;
  for (const step of finding.steps) {
    const [look, sign] = looks[step.verdict] || ["unclear", "?"];
    byId("strip-steps").append(element("li", {class: look},
      element("span", {class: "at"}, connections(step.connections)),
      element("span", {class: "ratio"}, step.ratio ? step.ratio[1].toFixed(2) : "–"),
      element("span", {class: "verdict"}, `${sign} ${step.verdict}`)));
  }
  byId("strip").hidden = false;
}

/* --- the curves ----------------------------------------------------------------------------- */

function fillChooser() {
  const nav = byId("chooser");
  if (bundle.kind !== "url") {
    const group = element("fieldset", {}, element("legend", {}, "The load comes from"));
    for (const [value, words] of Object.entries(CHOICES)) {
      const input = element("input", {type: "radio", name: "client", value});
      input.checked = value === choice;
      input.addEventListener("change", () => { choice = value; fillLegend(); drawAll(); });
      group.append(element("label", {}, input, element("span", {}, words)));
    }
    nav.append(group);
  }
  nav.append(element("div", {class: "legend", id: "legend"}));
  nav.hidden = false;
  fillLegend();
}

function fillLegend() {
  byId("legend").replaceChildren(...seriesOf(bundle, choice).map((series) =>
    element("span", {}, lineSample(series.colour, series.dash.length > 0), series.name)));
}

function fillCharts() {
  for (const grid of document.querySelectorAll("[data-metric]")) {
    const metric = grid.dataset.metric;
    for (const target of targets) {
      if (datasetsOf(bundle, "both", target.name, metric).length === 0) continue;
      const canvas = element("canvas", {role: "img"});
      grid.append(element("figure", {class: "chart"},
        element("figcaption", {}, element("b", {}, targetTitle(target)), element("span", {}, METRICS[metric].title)),
        element("div", {class: "canvas"}, canvas)));
      drawn.push({canvas, target, metric, chart: null});
    }
    if (grid.children.length === 0) {
      if (grid.previousElementSibling && grid.previousElementSibling.tagName === "H3") grid.previousElementSibling.remove();
      grid.remove();
    }
  }
  for (const section of document.querySelectorAll(".charts")) {
    section.hidden = section.querySelector("canvas") === null;
  }
}

function drawAll() {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  for (const item of drawn) {
    if (item.chart) item.chart.destroy();
    item.chart = new Chart(item.canvas, chartSettings(bundle, choice, item.target, item.metric));
    item.canvas.setAttribute("aria-label",
      `${METRICS[item.metric].title} against connections, ${targetWords(item.target)}; the values are in the table below`);
  }
}

/* --- the sentences above the curves ----------------------------------------------------------- */

function best(server, target, steps) {
  return bundle.summary.points.find((point) => point.best && point.server === server &&
    point.target === target && point.connections === steps);
}

/* Both servers' middle values at one number of connections: "**41,200** by threads and **43,000** by
 * events"; null when either is missing. */
function both(metric, target, steps) {
  const pair = ["sync", "async"].map((server) => best(server, target, steps)).map((point) => point && point.values[metric]);
  if (!pair[0] || !pair[1]) return null;
  const format = METRICS[metric].format;
  return `**${format(pair[0][1])}** by threads and **${format(pair[1][1])}** by events`;
}

function perConnection(server, target) {
  const known = bundle.summary.points.filter((point) => point.best && point.server === server &&
    point.target === target.name && point.values.rss_bytes);
  if (known.length < 2) return null;
  const first = known[0], last = known.at(-1);
  return (last.values.rss_bytes[1] - first.values.rss_bytes[1]) / (last.connections - first.connections);
}

function fillLeads() {
  const target = targets.find((one) => one.name === bundle.summary.finding.target);
  const middle = target.connections.includes(64) ? 64 : target.connections[Math.floor(target.connections.length / 2)];
  const most = target.connections.at(-1);
  const leads = {rate: [], latency: [], work: [], hold: []};
  const say = (lead, text) => { if (text) leads[lead].push(text); };
  const pair = (metric, steps) => both(metric, target.name, steps);

  say("rate", "More is better. A line that stays flat has found its limit.");
  say("latency", "Less is better. Each step upwards on this scale is many times as long.");
  say("work", "Less is better: what a reply costs decides how many fit on a core. A context switch is the kernel taking the core from one thread and giving it to another.");
  say("hold", "Less is better. A blocking server holds a thread with its stack for each connection, whether it has work or not.");
  if (pair("requests_per_s", middle)) {
    say("rate", `With ${connections(middle)}: ${pair("requests_per_s", middle)}; with ${count(most)}: ${pair("requests_per_s", most) || "not measured"}.`);
  }
  if (pair("p99_us", middle)) {
    say("latency", `With ${connections(middle)}, 99 in 100 replies come within ${pair("p99_us", middle)}; with ${count(most)}: ${pair("p99_us", most) || "not measured"}.`);
  }
  if (pair("switches_per_request", middle)) {
    say("work", `With ${connections(middle)}, a reply takes ${pair("cpu_us_per_request", middle)}, and switches ${pair("switches_per_request", middle)}.`);
  }
  const slopes = ["sync", "async"].map((server) => perConnection(server, target));
  if (slopes[0] !== null && slopes[1] !== null) {
    say("hold", `Each further connection adds about **${bytes(Math.max(0, slopes[0]))}** to the threaded server and **${bytes(Math.max(0, slopes[1]))}** to the evented one, while it is busy; the kernel's own memory comes on top.`);
  }
  for (const [name, texts] of Object.entries(leads)) {
    document.querySelector(`[data-lead=${name}]`).append(...emphasis(texts.join(" ")));
  }
}

/* --- the demonstration ------------------------------------------------------------------------ */

function fillWaits() {
  const plan = bundle.plan.waits;
  const rows = bundle.waits.filter((row) => row.result);
  if (!plan || rows.length === 0) return;
  const longest = Math.max(...rows.map((row) => Math.max(row.result.elapsed_s, row.result.delay_s.sum)));
  const bars = byId("waits-bars");

  byId("waits-lead").append(...emphasis(
    `The same ${plan.requests} requests, and before each reply the server waits ${plan.delay.replace("s-", " to ").replace("s", " seconds")}, ` +
    "as it would for a slow database. Waiting costs no processor. What counts is whether the waits come **one after the other** or **all at once**, " +
    "and both threads and events can wait for all at once. " + tookWords(plan, rows)));
  for (const way of plan.ways) {
    const mine = rows.filter((row) => row.way === way.name);
    if (mine.length === 0) continue;
    const group = element("div", {class: "way"}, element("h3", {}, capital(way.label)));
    for (const row of mine) {
      group.append(bar(`served by ${WORD[row.server]}`, row.result.elapsed_s, longest, row.server === "sync" ? "threads" : "events", false));
    }
    group.append(bar("longest wait", Math.max(...mine.map((row) => row.result.delay_s.max)), longest, "longest", true));
    group.append(bar("all waits together", Math.max(...mine.map((row) => row.result.delay_s.sum)), longest, "sum", true));
    bars.append(group);
  }
  byId("waits").hidden = false;
}

/* "It took **30.4 s** asked one after the other, **3.05 s** asked by 20 threads ..." */
function tookWords(plan, rows) {
  const parts = plan.ways.map((way) => {
    const mine = rows.filter((row) => row.way === way.name).map((row) => row.result.elapsed_s);
    return mine.length ? `**${seconds(Math.max(...mine))}** ${way.label}` : null;
  }).filter(Boolean);
  return `It took ${parts.join("; ")}.`;
}

function bar(name, value, longest, look, thin) {
  const fill = element("div", {class: "fill " + look});
  fill.style.width = `calc(${(value / longest).toFixed(4)} * (100% - 5rem))`;
  return element("div", {class: thin ? "bar thin" : "bar"}, element("span", {class: "name"}, name),
    element("div", {class: "track"}, fill, element("span", {class: "value"}, seconds(value))));
}

/* --- hypotheses -------------------------------------------------------------------------------- */

const VERDICTS = {"held": ["held", "✓"], "did not hold": ["broken", "✗"]};

const WAITS = {elapsed_s: "took", delay_max_s: "longest wait", delay_sum_s: "all waits together"};

/* "requests_per_s(sync, best, chapter, 64)" as a row and a column of a small table. */
function placeOf(text) {
  const [name, inside] = text.slice(0, -1).split("(");
  const words = inside.split(", ");
  if (words.length === 2) {
    const way = bundle.plan.waits.ways.find((one) => one.name === words[0]);
    return {row: `${way ? way.label : words[0]}, served by ${WORD[words[1]]}`, column: WAITS[name], format: seconds};
  }
  const target = targets.find((one) => one.name === words[2]);
  const about = METRICS[name] || {title: name, format: decimal};
  const by = words[1] === "best" ? "" : `, asked by ${WORD[words[1]]}`;
  return {row: `${target ? target.label : words[2]}, ${isNaN(words[3]) ? words[3] : connections(Number(words[3]))}${by}`,
          column: WORD[words[0]], caption: about.title.replace(", logarithmic", ""), format: about.format};
}

function numberCell(place, value) {
  if (!value) return element("td", {}, "not measured");
  const spread = value[0] === value[2] ? null
    : element("small", {}, ` ${place.format(value[0])} to ${place.format(value[2])}`);
  return element("td", {}, element("b", {}, place.format(value[1])), spread);
}

function numbersTable(numbers) {
  const rows = new Map(), columns = [];
  for (const {text, value} of numbers) {
    const place = placeOf(text);
    if (!columns.includes(place.column)) columns.push(place.column);
    if (!rows.has(place.row)) rows.set(place.row, {caption: place.caption});
    rows.get(place.row)[place.column] = numberCell(place, value);
  }
  columns.sort((a, b) => (b === "threads") - (a === "threads"));
  const captions = [...rows.values()].map((row) => row.caption);
  return element("table", {},
    element("thead", {}, element("tr", {}, element("th", {}, captions[0] || ""), ...columns.map((name) => element("th", {}, name)))),
    element("tbody", {}, ...[...rows].map(([name, cells]) =>
      element("tr", {}, element("th", {}, name), ...columns.map((column) => cells[column] || element("td", {}))))));
}

function fillHypotheses() {
  const list = bundle.summary.hypotheses;
  for (const one of list) {
    const [look, sign] = VERDICTS[one.verdict] || ["unjudged", "?"];
    byId("hypotheses-cards").append(element("article", {class: "card"},
      element("span", {class: "badge " + look}, `${sign} ${one.verdict}`),
      element("p", {}, one.words), element("div", {class: "scroll"}, numbersTable(one.numbers)),
      element("details", {}, element("summary", {}, "as a checkable expression"), element("code", {}, one.expression))));
  }
  byId("hypotheses").hidden = list.length === 0;
}

/* --- how it was measured ------------------------------------------------------------------------ */

function fillMethod() {
  const plan = bundle.plan;
  for (const id of ["varies", "still"]) {
    byId(id).append(...(plan[id] || []).map((text) => element("li", {}, text)));
  }
  if (bundle.kind === "url") {
    for (const id of ["varies", "still"]) {
      byId(id).previousElementSibling.remove();
      byId(id).remove();
    }
    byId("rule-title").textContent = "What the first sentence says";
    byId("rule").textContent = "At each number of connections the client that gets more replies a second counts, by the middle of its repeats. " +
      `The sentence names the fewest connections with at least ${bundle.summary.finding.share} of the most.`;
  } else {
    byId("rule").textContent = ruleText();
  }
  for (const [name, text] of facts()) {
    if (text) byId("facts").append(element("dt", {}, name), element("dd", {}, text));
  }
}

function ruleText() {
  const {share, worst} = bundle.summary.finding;
  return "At each number of connections both servers are judged by the client that gets more out of them. Threads keep up there when the threaded server gives " +
    `at least ${share} replies for each one of the evented server, by the middle of the repeats, still ${worst} at the low end of the ratio's band, and none failed. They fall behind when the ratio stays below ${share} ` +
    "over its whole band, or when requests failed; in between, and when the repeats lie far apart, it is unclear. Threads suffice up to the largest number of connections at which they keep up, " +
    "and keep up at every smaller one that was tried.";
}

function facts() {
  const {environment, setting, plan, rows} = bundle;
  const machine = environment;
  const coverage = bundle.summary.points.length ? bundle.summary.points[0].coverage : 0;
  const cost = rows.reduce((sum, row) => sum + row.sampling.cpu_s, 0);
  const versions = Object.entries(machine.versions || {}).map(([name, version]) => `${name} ${version || "?"}`);
  return [
    ["Runs", `${count(rows.length)} runs of ${durationWords(plan)}, ${plan.repeats} for each point, in shuffled order (seed ${plan.seed}); all took ${Math.round(bundle.elapsed_s)} s`],
    ["Bands", plan.repeats > 1 ? `the middle of ${plan.repeats} repeats, and around it the band that holds the true middle with a probability of ${Math.round(coverage * 100)} %` : "one repeat only: no bands"],
    ["Cores", coresText()],
    ["What was asked for", targets.map((target) => targetWords(target) + (bundle.kind === "url" ? "" : ` (${target.path})`)).join("; ")],
    ["Book", bookText()],
    ["Limits of the load", limitText()],
    ["Sampling", `CPU time from the server's own clock, exact; memory once in each run (smaps), threads ten times a second; watching cost ${duration(1e6 * cost / Math.max(1, rows.length))} of CPU for each run. Memory of the kernel, such as a thread's 16 KB of kernel stack, is not in the curves.`],
    ["Processor", `${machine.processor}, ${machine.cores} cores${machine.virtual ? ", a virtual machine" : ""}${machine.governor ? ", governor " + machine.governor : ""}`],
    ["Memory", bytes(machine.memory_bytes)],
    ["System", `${machine.kernel}${machine.congestion_control ? ", congestion control " + machine.congestion_control : ""}`],
    ["Load before", machine.load_before.toFixed(2)],
    ["Programs", versions.join(", ")],
  ];
}

function durationWords(plan) {
  return plan.duration_many ? `${plan.duration} (${plan.duration_many} from ${count(plan.many)} connections on)` : plan.duration;
}

function coresText() {
  const {setting} = bundle;
  if (bundle.kind === "url") return `the clients on cores ${setting.client_cores}; where the server runs is not known here`;
  if (setting.cores_shared) return `core ${setting.server_cores} for both sides: there is only one`;
  const loops = setting.server_loops === 1 ? "one event loop" : `${setting.server_loops} event loops`;
  return `servers on ${coreWords(setting.server_cores)} (the evented one with ${loops}), clients on ${coreWords(setting.client_cores)}`;
}

function coreWords(text) {
  return (/[-,]/.test(text) ? "cores " : "core ") + text;
}

function bookText() {
  const book = bundle.environment.book;
  if (!book) return null;
  const what = book.source === "stand-in" ? "a seeded stand-in of the novel's shape" : "The Count of Monte Cristo";
  return `${what}: ${count(book.bytes)} bytes, ${book.chapters} chapters; it begins “${book.first_line}”`;
}

/* Points at which the server had time to spare: there the client, or waking and being woken, was the
 * limit, and the curves say less about the server. */
function limitText() {
  const known = bundle.summary.points.filter((point) => point.best && point.values.server_busy);
  const spare = known.filter((point) => point.values.server_busy[1] < 0.85);
  if (known.length === 0) return null;
  if (spare.length === 0) return "at every point the server was busy for at least 85 % of its time: the curves show its limit, not the client's";
  const where = targets.map((target) => {
    const names = spare.filter((point) => point.target === target.name).map((point) => `${WORD[point.server]} at ${count(point.connections)}`);
    return names.length ? `${target.label}: ${names.join(", ")}` : null;
  }).filter(Boolean).join("; ");
  return `at ${spare.length} of ${known.length} points the server was busy for less than 85 % of its time, so that the client, or waiting for each other, was the limit (${where})`;
}

/* --- the table and the raw data ------------------------------------------------------------------ */

function cell(point, metric) {
  const band = point.values[metric];
  return element("td", {}, band ? METRICS[metric].format(band[1]) : "–");
}

function share(band) {
  return element("td", {}, band ? `${Math.round(band[1] * 100)} %` : "–");
}

function rateCell(point) {
  const band = point.values.requests_per_s;
  if (!band) return element("td", {}, "–");
  const spread = band[0] === band[2] ? null : element("small", {}, ` ${short(band[0])}–${short(band[2])}`);
  return element("td", {}, count(band[1]), spread);
}

function valueRow(point, first) {
  const name = (model) => element("td", {class: "word"}, element("span", {class: "swatch " + model}), WORD[model]);
  const failed = element("td", point.failed > 0 ? {class: "failed"} : {}, count(point.failed));
  return element("tr", first ? {class: "first"} : {}, element("td", {}, count(point.connections)), name(point.server), name(point.client), rateCell(point),
    cell(point, "p50_us"), cell(point, "p99_us"), cell(point, "cpu_us_per_request"), share(point.values.server_busy),
    share(point.values.client_busy), cell(point, "switches_per_request"), cell(point, "rss_bytes"), cell(point, "threads"), failed);
}

function fillTable() {
  const heads = ["conns", "served by", "asked by", "replies a second", "half within", "99 in 100 within", "CPU for a reply",
                 "server busy", "client busy", "switches for a reply", "server memory", "server threads", "failed"];
  const body = element("tbody", {});
  for (const target of targets) {
    body.append(element("tr", {}, element("th", {colspan: heads.length}, targetTitle(target))));
    let before = 0;
    for (const point of bundle.summary.points.filter((one) => one.target === target.name)) {
      body.append(valueRow(point, point.connections !== before));
      before = point.connections;
    }
  }
  byId("values-lead").textContent = "Every client against every server: the middle of the repeats, and beside the replies a second their band.";
  byId("values-table").append(element("thead", {}, element("tr", {}, ...heads.map((head, index) =>
    element("th", index === 1 || index === 2 ? {class: "word"} : {}, head)))), body);
}

function rowsCsv() {
  const fields = ["order", "repeat", "target", "connections", "server", "client"];
  const lines = bundle.rows.map((row) => [...fields.map((field) => row[field]),
    row.result ? row.result.requests.ok : "", row.result ? row.result.requests.failed : "",
    row.result ? row.result.rate.requests_per_s : "", row.result ? row.result.latency_us.p50 : "",
    row.result ? row.result.latency_us.p99 : "", row.server_use ? row.server_use.cpu_s : "",
    row.server_use ? row.server_use.rss_bytes : "", row.server_use ? row.server_use.threads : ""].join(","));
  return [[...fields, "ok", "failed", "requests_per_s", "p50_us", "p99_us", "server_cpu_s", "rss_bytes", "threads"].join(","), ...lines].join("\n") + "\n";
}

/* The file is made when it is asked for. */
function download(words, name, type, make) {
  const link = element("a", {href: "#values", download: name}, words);
  link.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([make()], {type}));
    link.href = address;
    setTimeout(() => { URL.revokeObjectURL(address); link.href = "#values"; }, 10000);
  });
  return link;
}

function fillDownloads() {
  byId("downloads").append(
    download("Everything as JSON", "bundle.json", "application/json", () => JSON.stringify(bundle)),
    download("The runs as CSV", "rows.csv", "text/csv", rowsCsv));
  byId("footer").textContent = `Drawn by cristo-lab ${bundle.cristo} from the bundle inside this page. It needs no network.`;
}

/* --- all of it ------------------------------------------------------------------------------------- */

fillHead();
fillCharts();
if (drawn.length > 0) fillChooser();
fillLeads();
fillWaits();
fillHypotheses();
fillMethod();
fillTable();
fillDownloads();
drawAll();

darkScheme.addEventListener("change", drawAll);
window.addEventListener("beforeprint", () => { printing = true; drawAll(); });
window.addEventListener("afterprint", () => { printing = false; drawAll(); });
