// The platform's own button asks; we only say how it went. Who allowed what, it tells the account itself.
"use strict";

const here = document.getElementById("grant").dataset;
const button = document.getElementById("allow");

function tell(which) {
  for (const id of ["done", "failed"]) {
    document.getElementById(id).hidden = id !== which;
  }
}

button.addEventListener("success", () => tell("done"));
button.addEventListener("error", () => tell("failed"));

if (typeof wx === "undefined") {
  tell("failed");
} else {
  wx.error(() => tell("failed"));
  wx.config({
    debug: false,
    appId: here.app,
    timestamp: Number(here.timestamp),
    nonceStr: here.nonce,
    signature: here.signature,
    jsApiList: [],
    openTagList: ["wx-open-subscribe"],
  });
}
