// What all pages share. They work without scripts; these add comfort.
import "./copy.js";
import "./folds.js";
import "./times.js";
import "./keys.js";
