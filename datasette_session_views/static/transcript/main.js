// The transcript's own scripts.
import "./live.js";
import "./rating.js";
