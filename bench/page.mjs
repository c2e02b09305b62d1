// What bench/page has Chromium do. Prints one JSON object:
//   open      {cold, again, far, static}: of each round {first, rows, server, script, tasks (ms), requests, bytes}
//   scroll    {page, static}: of each round the frames' times in ms; loaded: ms until all rows were there
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const tests = new URL("../tests/", import.meta.url).pathname;
const modules = execFileSync("/usr/bin/python3", ["-B", join(tests, "support/npm.py"), join(tests, "browser")], { encoding: "utf8" }).trim();
const { chromium } = createRequire(join(modules, "package.json"))("playwright-core");

const asked = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
const answer = await fetch(asked.link, { redirect: "manual" });
const [, name, value] = answer.headers.get("Set-Cookie").match(/^([^=]+)=([^;]+)/);

/** A browser that is signed in, and has nothing else. */
async function visitor() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await context.addCookies([{ name, value, url: asked.page }]);
  return context;
}

/** Runs in the page before all else: notes when something was painted, and when the first row was (Element Timing). */
function notePaints() {
  const once = (type, name) => new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const found = list.getEntries().find((one) => (one.identifier ?? one.name) === name);
      if (found) resolve(found.renderTime ?? found.startTime);
    }).observe({ type, buffered: true });
  });
  new MutationObserver((_, observer) => {
    const cell = document.querySelector(".rows .row [data-column]"); // A block: of texts, only those are timed.
    if (!cell) return;
    observer.disconnect();
    cell.setAttribute("elementtiming", "row");
  }).observe(document, { childList: true, subtree: true });
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("no row was painted within 60 s")), 60_000));
  const paints = Promise.all([once("paint", "first-contentful-paint"), once("element", "row")]);
  window.painted = Promise.race([paints, late]);
}

/** The CPU time that the service has used, in ms. */
function serverTime() {
  const fields = readFileSync(`/proc/${asked.pid}/stat`, "ascii").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) * asked.tick;
}

/** Opens `url` over a network that takes `latency` ms for each answer, and gives back when what was painted, and the cost. */
async function open(page, url, latency = 0) {
  const debug = await page.context().newCDPSession(page);
  await debug.send("Performance.enable");
  await debug.send("Network.enable");
  await debug.send("Network.emulateNetworkConditions", { offline: false, latency, downloadThroughput: -1, uploadThroughput: -1 });
  const before = serverTime();
  await page.goto(url, { waitUntil: "commit" });
  const times = await page.evaluate(async () => {
    const [first, rows] = await window.painted;
    const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
    return { rows, first, requests: loaded.length, bytes: loaded.reduce((sum, one) => sum + one.transferSize, 0) };
  });
  const server = serverTime() - before;
  const { metrics } = await debug.send("Performance.getMetrics");
  const spent = (what) => metrics.find((one) => one.name === what).value * 1000;
  await debug.detach();
  return { ...times, server, script: spent("ScriptDuration"), tasks: spent("TaskDuration") };
}

/** What the page has become, for nginx: the same elements and style, no script. */
async function keepTwin(page) {
  const html = (await page.evaluate(() => `<!doctype html>${document.documentElement.outerHTML}`))
    .replace(/<script[^>]*><\/script>/g, "").replace(/<link rel="modulepreload"[^>]*>/g, "")
    .replace(/ elementtiming="row"/g, "").replaceAll("/page/app.css", "/app.css").replaceAll("/page/icon.svg", "/icon.svg");
  const keep = (file, text) => {
    writeFileSync(join(asked.root, file), text);
    writeFileSync(join(asked.root, `${file}.gz`), gzipSync(text, { level: 9 }));
  };
  keep("index.html", html);
  for (const file of ["app.css", "icon.svg"]) keep(file, await (await fetch(`${asked.page}/page/${file}`)).text());
}

async function measureOpening() {
  const rounds = { cold: [], again: [], far: [], static: [] };
  for (let round = -1; round < asked.rounds; round++) {
    const measured = {};
    const inOneBrowser = async (work) => {
      const context = await visitor();
      const page = await context.newPage();
      await page.addInitScript(notePaints);
      await work(page);
      await context.close();
    };
    await inOneBrowser(async (page) => {
      measured.cold = await open(page, asked.page);
      measured.again = await open(page, asked.page);
      if (round < 0) await keepTwin(page);
    });
    await inOneBrowser(async (page) => (measured.far = await open(page, asked.page, asked.latency)));
    await inOneBrowser(async (page) => (measured.static = await open(page, `${asked.static}/index.html`)));
    if (round < 0) continue; // That one warmed both servers up.
    for (const [name, figures] of Object.entries(measured)) rounds[name].push(figures);
  }
  return rounds;
}

/** Scrolls from top to end, a little a frame, and gives back how long each frame took, in ms. */
const scrolled = (page) => page.evaluate(async () => {
  scrollTo(0, 0);
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  await frame();
  const times = [];
  const step = Math.ceil(document.documentElement.scrollHeight / 600);
  let last = await frame();
  while (scrollY + innerHeight < document.documentElement.scrollHeight - 1 && times.length < 1000) {
    scrollBy(0, step);
    const now = await frame();
    times.push(now - last);
    last = now;
  }
  return times;
});

async function measureScrolling() {
  const result = { page: [], static: [], loaded: [] };
  for (let round = 0; round < asked.rounds; round++) {
    const context = await visitor();
    const page = await context.newPage();
    const began = performance.now();
    await page.goto(asked.page);
    await page.evaluate(async (keys) => {
      while (document.querySelectorAll(".rows .row").length < keys) {
        scrollTo(0, document.body.scrollHeight);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
    }, asked.keys);
    result.loaded.push(performance.now() - began);
    result.page.push(await scrolled(page));
    if (round === 0) await keepTwin(page);
    await context.close();
    const other = await visitor();
    const twin = await other.newPage();
    await twin.goto(`${asked.static}/index.html`);
    result.static.push(await scrolled(twin));
    await other.close();
  }
  return result;
}

const measured = asked.what === "open" ? await measureOpening() : await measureScrolling();
await browser.close();
process.stdout.write(JSON.stringify(measured));
