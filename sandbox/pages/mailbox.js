// The mailbox page looks for new letters every two seconds.  The server alone draws: when the list has changed, the
// page is fetched again and its parts replace ours, so that no letter's text is ever put together here.

const PERIOD = 2000;
let tag = "";

async function look() {
  const answer = await fetch("/mailbox/messages", { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status !== 200) return;
  tag = answer.headers.get("ETag") ?? "";
  const letters = await answer.json();
  const shown = document.getElementById("list").dataset;
  const newest = letters.length ? letters[0].id : 0;
  if (String(newest) !== shown.newest || String(letters.length) !== shown.count) await redraw();
}

async function redraw() {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok && answer.status !== 404) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement?.getAttribute("href");
  const following = !new URLSearchParams(location.search).has("id"); // nothing chosen: the newest letter is shown
  for (const part of following ? ["list", "letter"] : ["list"]) {
    document.getElementById(part).replaceWith(fresh.getElementById(part));
  }
  document.getElementById("delete").hidden = fresh.getElementById("delete").hidden;
  if (focused) document.querySelector(`#list a[href="${CSS.escape(focused)}"]`)?.focus();
}

async function watch() {
  try {
    if (!document.hidden) await look();
  } catch {
    // The server is away, as it is when a lesson restarts it: look again later.
  }
  setTimeout(watch, PERIOD);
}

document.getElementById("delete").addEventListener("click", async () => {
  await fetch("/mailbox/messages", { method: "DELETE" });
  location.assign(`${location.pathname}?language=${document.documentElement.lang.slice(0, 2)}`);
});

watch();
