/**
 * Addresses of the screens, and moving between them without loading the page again.
 *
 * A screen that was left stays in memory for a while, so that going back shows it as it was, with its scroll position.
 * @module
 */

/**
 * What a screen gets. `signal` is aborted when the screen is gone for good.
 * @typedef {object} Place
 * @property {Record<string, string>} parameters of the path
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal
 */

/**
 * A screen: its element and its title. `shown` is called when it is shown again.
 * @typedef {object} Screen
 * @property {HTMLElement} element
 * @property {string} title
 * @property {() => void} [shown]
 */

/** @typedef {(place: Place) => Screen | Promise<Screen>} Render */
/** @typedef {{ pattern: RegExp, render: Render, open: boolean }} Route */
/** @typedef {{ screen: Screen, path: string, scroll: number, ended: AbortController }} Kept */

const MAX_KEPT = 12;

/** @param {string} path such as `/app/tags/{tag}` */
function compile(path) {
  const source = path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)");
  return new RegExp(`^${source}/?$`, "u");
}

export class Router {
  /** @type {Route[]} */ #routes = [];
  /** Screens by the number of their history entry. @type {Map<number, Kept>} */ #kept = new Map();
  #current = 0;
  #newest = 0;
  #turn = 0;
  /** @type {(screen: Screen, path: string) => void} */ #show;
  /** @type {(error: unknown) => Screen} */ #failed;
  /** @type {(path: string) => string | null} */ #redirect;

  /**
   * @param {object} options
   * @param {(screen: Screen, path: string) => void} options.show
   * @param {(error: unknown) => Screen} options.failed
   * @param {(path: string, open: boolean) => string | null} options.redirect where to go instead, or null
   */
  constructor({ show, failed, redirect }) {
    this.#show = show;
    this.#failed = failed;
    this.#redirect = (path) => redirect(path, this.#match(path)?.route.open ?? true);
    this.#current = this.#newest = history.state?.number ?? 0;
    addEventListener("popstate", (event) => this.#leave(() => this.#go(event.state?.number ?? 0)));
    document.addEventListener("click", (event) => this.#followLink(event));
  }

  /**
   * Add a screen. An `open` one can be seen without an account.
   * @param {string} path
   * @param {Render} render
   * @param {{ open?: boolean }} [options]
   */
  add(path, render, { open = false } = {}) {
    this.#routes.push({ pattern: compile(path), render, open });
    return this;
  }

  /** Show the screen of the address bar. */
  start() {
    history.scrollRestoration = "manual";
    history.replaceState({ number: this.#current }, "");
    return this.#go(this.#current);
  }

  /**
   * Go to a path.
   * @param {string} path
   * @param {{ replace?: boolean }} [options]
   */
  open(path, { replace = false } = {}) {
    return this.#leave(() => {
      if (replace) {
        this.#drop(this.#current);
        history.replaceState({ number: this.#current }, "", path);
        return this.#go(this.#current);
      }
      for (const number of this.#kept.keys()) if (number > this.#current) this.#drop(number);
      this.#newest = this.#current + 1;
      history.pushState({ number: this.#newest }, "", path);
      return this.#go(this.#newest);
    });
  }

  /** Load the current screen again. */
  reload() {
    this.#drop(this.#current);
    return this.#go(this.#current);
  }

  /** Forget all screens, for example because another user has signed in. */
  clear() {
    for (const number of [...this.#kept.keys()]) this.#drop(number);
  }

  /** @param {() => any} next */
  #leave(next) {
    const kept = this.#kept.get(this.#current);
    if (kept) kept.scroll = scrollY;
    return next();
  }

  /** @param {string} path */
  #match(path) {
    for (const route of this.#routes) {
      const match = path.match(route.pattern);
      if (match) return { route, parameters: match.groups ?? {} };
    }
    return null;
  }

  /** @param {number} number */
  async #go(number) {
    this.#current = number;
    const turn = (this.#turn += 1);
    const path = location.pathname + location.search;
    const instead = this.#redirect(location.pathname);
    if (instead !== null) return this.open(instead, { replace: true });
    let kept = this.#kept.get(number);
    if (kept?.path !== path) {
      if (kept) this.#drop(number);
      const ended = new AbortController();
      const screen = await this.#render(ended.signal).catch(this.#failed);
      kept = { screen, path, scroll: 0, ended };
      if (turn !== this.#turn) return ended.abort(); // the user has gone elsewhere
      this.#kept.set(number, kept);
      if (this.#kept.size > MAX_KEPT) this.#drop(Math.min(...this.#kept.keys()));
    }
    this.#show(kept.screen, location.pathname);
    scrollTo({ top: kept.scroll, behavior: "instant" });
    kept.screen.shown?.();
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<Screen>}
   */
  async #render(signal) {
    const found = this.#match(location.pathname);
    if (!found) throw new Error("not_found");
    const decoded = Object.entries(found.parameters).map(([name, value]) => [name, decodeURIComponent(value ?? "")]);
    const query = new URLSearchParams(location.search);
    return found.route.render({ parameters: Object.fromEntries(decoded), query, signal });
  }

  /** @param {number} number */
  #drop(number) {
    this.#kept.get(number)?.ended.abort();
    this.#kept.delete(number);
  }

  /** @param {MouseEvent} event */
  #followLink(event) {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = /** @type {Element} */ (event.target).closest("a");
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (!this.#match(link.pathname)) return;
    event.preventDefault();
    const path = link.pathname + link.search;
    if (path === location.pathname + location.search) scrollTo({ top: 0, behavior: "smooth" });
    else void this.open(path);
  }
}
