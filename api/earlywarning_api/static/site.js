// Pages work without this. It keeps a filled form when the connection fails, and offers to print.
"use strict";
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-keep]")) return;
  event.preventDefault();
  const lost = form.querySelector("[data-lost]");
  const busy = (is) => form.querySelectorAll("button").forEach((one) => (one.disabled = is));
  const body = new URLSearchParams(new FormData(form, event.submitter));
  lost.hidden = true;
  busy(true);
  try {
    const answer = await fetch(form.action, { method: "POST", body });
    if (new URL(answer.url).pathname === "/sign-in") throw new Error("signed out");
    if (answer.redirected) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.title = page.title;
    document.querySelector("main").replaceWith(page.querySelector("main"));
    scrollTo(0, 0);
    (document.querySelector("main [role=alert]:not([hidden])") ?? document.querySelector("main")).focus();
  } catch {
    lost.hidden = false;
    lost.focus();
    busy(false);
  }
});
