"use strict";
/* The curves: one canvas for each metric and target, redrawn when the reader chooses another client
 * or the page changes its colours. */

const LIGHT = {ink: "#15181d", soft: "#505a68", line: "#d5d9e0", threads: "#c94f00", events: "#0068ad"};
const DARK = {ink: "#f0f2f5", soft: "#b0b9c6", line: "#39414d", threads: "#ff9d4d", events: "#5cb8f2"};

const darkScheme = window.matchMedia("(prefers-color-scheme: dark)");
let printing = false;

function palette() {
  return darkScheme.matches && !printing ? DARK : LIGHT;
}

function modelColour(model) {
  return model === "sync" ? palette().threads : palette().events;
}

function fade(colour, share) {
  return colour + Math.round(share * 255).toString(16).padStart(2, "0");
}

/* What one line shows: which points, in which colour and dash. `choice` is "best", "sync", "async" or
 * "both": the client that asks. A server of the reader's own has a line for each client. */
function seriesOf(bundle, choice) {
  if (bundle.kind === "url") {
    return ["sync", "async"].map((client) => ({
      key: client, colour: client, name: "asked by " + WORD[client], short: WORD[client], dash: [],
      wants: (point) => point.client === client,
    }));
  }
  const list = [];
  for (const server of ["sync", "async"]) {
    const clients = choice === "both" ? ["sync", "async"] : [choice];
    for (const client of clients) {
      list.push({
        key: server + client, colour: server,
        name: "served by " + WORD[server] + (choice === "both" ? ", asked by " + WORD[client] : ""),
        short: WORD[server],
        dash: choice === "both" && client === "async" ? [9, 6] : [],
        wants: (point) => point.server === server && (client === "best" ? point.best : point.client === client),
      });
    }
  }
  return list;
}

function pointsOf(bundle, series, target, metric) {
  return bundle.summary.points
    .filter((point) => point.target === target && series.wants(point) && point.values[metric])
    .map((point) => ({x: point.connections, band: point.values[metric]}));
}

function datasetsOf(bundle, choice, target, metric) {
  const sets = [];
  for (const series of seriesOf(bundle, choice)) {
    const points = pointsOf(bundle, series, target, metric);
    if (points.length === 0) continue;
    const colour = modelColour(series.colour);
    const edge = {borderWidth: 0, pointRadius: 0, pointHitRadius: 0, backgroundColor: fade(colour, 0.2), edge: true, order: 2};
    sets.push({...edge, data: points.map((p) => ({x: p.x, y: p.band[0]})), fill: false});
    sets.push({...edge, data: points.map((p) => ({x: p.x, y: p.band[2]})), fill: "-1"});
    sets.push({
      label: series.name, short: series.short, bands: points.map((p) => p.band),
      data: points.map((p) => ({x: p.x, y: p.band[1]})),
      borderColor: colour, backgroundColor: colour, borderWidth: 3.5, borderDash: series.dash,
      pointStyle: series.colour === "sync" ? "rect" : "circle",
      pointRadius: series.colour === "sync" ? 6 : 5, pointHoverRadius: 8, fill: false, clip: 10, order: 1,
    });
  }
  return sets;
}

/* Names each line at its right end, so that nobody has to look a colour up. */
const endLabels = {
  id: "endLabels",
  afterDatasetsDraw(chart) {
    const labels = [];
    chart.data.datasets.forEach((set, index) => {
      const last = set.edge || !chart.options.ends ? null : chart.getDatasetMeta(index).data.at(-1);
      if (last) labels.push({text: set.short, colour: set.borderColor, x: last.x + 13, y: last.y});
    });
    labels.sort((a, b) => a.y - b.y);
    for (let i = 1; i < labels.length; i++) {
      labels[i].y = Math.max(labels[i].y, labels[i - 1].y + 19);
    }
    const over = labels.length ? Math.max(0, labels.at(-1).y - chart.chartArea.bottom + 4) : 0;
    const context = chart.ctx;
    context.save();
    context.font = `700 ${isNarrow(chart) ? 14 : 16}px ` + Chart.defaults.font.family;
    context.textBaseline = "middle";
    for (const label of labels) {
      context.fillStyle = label.colour;
      context.fillText(label.text, label.x, label.y - over);
    }
    context.restore();
  },
};

/* Smaller where there is little room: on a telephone, on paper. */
function isNarrow(chart) {
  return chart.width < 430;
}

function axisFont(context) {
  return {size: isNarrow(context.chart) ? 13 : 16};
}

function logTicks(axis) {
  const low = axis.min, high = axis.max;
  const steps = high / low > 300 ? [1] : high / low > 12 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const step of steps) {
      const value = step * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push({value});
    }
  }
  axis.ticks = ticks;
}

function valueAxis(metric, sets) {
  const colours = palette();
  const about = METRICS[metric];
  const values = sets.flatMap((set) => set.data.map((point) => point.y));
  const axis = {
    grid: {color: colours.line, drawBorder: false, tickLength: 0},
    ticks: {color: colours.soft, font: axisFont, padding: 8, maxTicksLimit: 6,
            callback: (value) => (about.format === count ? short(value) : about.format(value))},
  };
  if (about.log) {
    axis.type = "logarithmic";
    axis.min = Math.min(...values) / 1.5;
    axis.max = Math.max(...values) * 1.5;
    axis.afterBuildTicks = logTicks;
  } else {
    axis.beginAtZero = true;
    axis.suggestedMax = Math.max(...values) * 1.08;
  }
  return axis;
}

function connectionsAxis(steps) {
  const colours = palette();
  return {
    type: "logarithmic",
    min: steps[0] / 1.12,
    max: steps.at(-1) * 1.12,
    grid: {color: colours.line, drawBorder: false, tickLength: 0},
    afterBuildTicks: (axis) => { axis.ticks = steps.map((value) => ({value})); },
    ticks: {color: colours.soft, font: axisFont, padding: 8, autoSkip: false, maxRotation: 0,
            callback: (value) => count(value)},
    title: {display: true, text: "connections at once", color: colours.soft, font: axisFont},
  };
}

function tooltip(metric) {
  const format = METRICS[metric].format;
  return {
    filter: (item) => !item.dataset.edge,
    titleFont: {size: 16}, bodyFont: {size: 16}, padding: 10,
    callbacks: {
      title: (items) => (items.length ? connections(items[0].parsed.x) : ""),
      label: (item) => {
        const band = item.dataset.bands[item.dataIndex];
        return ` ${item.dataset.label}: ${format(band[1])}  (${format(band[0])} to ${format(band[2])})`;
      },
    },
  };
}

/* The settings of one chart. Ends are named unless four lines crowd there. */
function chartSettings(bundle, choice, target, metric) {
  const sets = datasetsOf(bundle, choice, target.name, metric);
  const ends = choice !== "both";
  return {
    type: "line",
    data: {datasets: sets},
    plugins: [endLabels],
    options: {
      ends, animation: false, responsive: true, maintainAspectRatio: false,
      devicePixelRatio: Math.max(2, window.devicePixelRatio || 1),
      interaction: {mode: "index", intersect: false},
      layout: {padding: (context) => ({right: !ends ? 14 : isNarrow(context.chart) ? 74 : 84, top: 8})},
      plugins: {legend: {display: false}, tooltip: tooltip(metric)},
      scales: {x: connectionsAxis(target.connections), y: valueAxis(metric, sets)},
    },
  };
}

/* A drawn sample of a line for a legend. */
function lineSample(model, dashed) {
  const space = "http:" + "//www.w3.org/2000/svg"; /* a name, not an address to be fetched */
  const svg = document.createElementNS(space, "svg");
  const add = (name, attributes) => {
    const part = document.createElementNS(space, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    svg.append(part);
  };
  svg.setAttribute("width", "44");
  svg.setAttribute("height", "16");
  svg.setAttribute("aria-hidden", "true");
  const colour = `var(--${model === "sync" ? "threads" : "events"})`;
  add("line", {x1: 0, y1: 8, x2: 44, y2: 8, stroke: colour, "stroke-width": 3.5,
               ...(dashed ? {"stroke-dasharray": "9 6"} : {})});
  if (model === "sync") add("rect", {x: 17, y: 3, width: 10, height: 10, fill: colour});
  else add("circle", {cx: 22, cy: 8, r: 5, fill: colour});
  return svg;
}
