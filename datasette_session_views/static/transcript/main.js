// The transcript's own scripts.
import "./live.js";
import "./menus.js";
import "./outline.js";
import "./rating.js";
