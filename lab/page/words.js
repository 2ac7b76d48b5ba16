"use strict";
/* Numbers and names as people read them. */

const WORD = {sync: "threads", async: "events", url: "the server"};

const METRICS = {
  requests_per_s: {title: "replies a second", format: count, zero: true},
  p50_us: {title: "time, logarithmic", format: duration, log: true},
  p99_us: {title: "time, logarithmic", format: duration, log: true},
  cpu_us_per_request: {title: "CPU time for a reply", format: duration, zero: true},
  switches_per_request: {title: "context switches for a reply", format: decimal, zero: true},
  rss_bytes: {title: "resident memory", format: bytes, zero: true},
  threads: {title: "threads, logarithmic", format: count, log: true},
};

function count(number) {
  return Math.round(number).toLocaleString("en-US");
}

function shorten(number) {
  return Number(number.toPrecision(3)).toString();
}

/* Ticks of an axis: "20k" rather than "20,000". */
function short(number) {
  return number >= 1e6 ? shorten(number / 1e6) + "M" : number >= 1e4 ? shorten(number / 1e3) + "k" : count(number);
}

function duration(us) {
  if (us >= 1e6) return shorten(us / 1e6) + " s";
  if (us >= 1e3) return shorten(us / 1e3) + " ms";
  return shorten(us) + " µs";
}

function bytes(number) {
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"]]) {
    if (number >= size) return shorten(number / size) + " " + unit;
  }
  return count(number) + " B";
}

function decimal(number) {
  return number >= 100 ? count(number) : number >= 10 ? number.toFixed(1) : number.toFixed(2);
}

function seconds(number) {
  return number.toFixed(number < 10 ? 2 : 1) + " s";
}

function connections(number) {
  return count(number) + (number === 1 ? " connection" : " connections");
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/* An element with text or children, never with markup made of data. */
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/* A sentence whose **middle** is bold. */
function emphasis(text) {
  return text.split("**").map((part, index) => (index % 2 ? element("b", {}, part) : part));
}
