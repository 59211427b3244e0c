// The transcript's own scripts.
import "./addresses.js";
import "./answers.js";
import "./live.js";
import "./menus.js";
import "./outline.js";

if (document.querySelector("form.sv-rate")) import("./rating.js");
