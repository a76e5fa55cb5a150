// <dispatch-promise src="https://shukka.example/v1/promise" shop="salon" region="愛知県"></dispatch-promise>
// Counts down to the last moment at which an order still leaves on the promised day, and asks again when it is over.
// Attributes: src, shop (needed); supplier, availability, expected-on, region, method; lang (ja or en, else the page's).
const WORDS = {
  ja: {
    date: { month: "long", day: "numeric", weekday: "short" },
    left: (d, h, m, s) =>
      d ? `${d}日${h}時間` : h ? `${h}時間${m}分` : m ? `${m}分` : `${s}秒`,
    today: (left) => `あと${left}以内のご注文で、本日出荷の予定です。`,
    later: (left, day) => `あと${left}以内のご注文で、${day}に出荷の予定です。`,
    arrives: (day) => `お届けは${day}の予定です。`,
    paid: "ご入金の確認までを含みます。",
    none: "出荷日はご注文後にお知らせします。",
    away: "ただいま出荷予定を確認できません。",
  },
  en: {
    date: { weekday: "short", day: "numeric", month: "short" },
    left: (d, h, m, s) => (d ? `${d} d ${h} h` : h ? `${h} h ${m} min` : m ? `${m} min` : `${s} s`),
    today: (left) => `Order within ${left} and it leaves today, as planned.`,
    later: (left, day) => `Order within ${left} and it leaves on ${day}, as planned.`,
    arrives: (day) => `Planned to arrive on ${day}.`,
    paid: "Your payment must be in by then, too.",
    none: "We will tell you the day of dispatch after your order.",
    away: "The day of dispatch cannot be looked up at the moment.",
  },
};
const AWAITED = ["bank_transfer", "konbini", "loan"];
const RETRY = 30_000;
const AGAIN = 600_000; // a new day has begun, the day is full, or the shop closes
const DAY = 86_400_000;

class DispatchPromise extends HTMLElement {
  static observedAttributes = ["src", "shop", "supplier", "availability", "expected-on", "region", "method", "lang"];

  connectedCallback() {
    this.setAttribute("role", "status");
    this.setAttribute("aria-live", "off"); // a countdown that is read aloud every second helps nobody
    this.ask();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  attributeChangedCallback() {
    if (this.isConnected) this.ask();
  }

  get locale() {
    const lang = this.lang || this.closest("[lang]")?.lang || navigator.language;
    return lang.startsWith("ja") ? "ja" : "en";
  }

  async ask() {
    clearTimeout(this.timer);
    this.asking?.abort();
    const { signal } = (this.asking = new AbortController());
    const url = new URL(this.getAttribute("src"), location.href);
    for (const name of ["shop", "supplier", "availability", "expected-on", "region", "method"])
      if (this.getAttribute(name)) url.searchParams.set(name.replace("-", "_"), this.getAttribute(name));
    url.searchParams.set("locale", this.locale);
    try {
      // Asks whether a kept answer still stands, which costs an empty 304 where it does.
      const answer = await fetch(url, { signal, cache: "no-cache" });
      if (!answer.ok) throw new Error(answer.status);
      this.promise = await answer.json();
      // The shop's clock counts, not the customer's: a kept answer is as old as the server and caches say.
      const served = Date.parse(answer.headers.get("date")) + 1000 * (answer.headers.get("age") ?? 0);
      const age = served - Date.parse(this.promise.at);
      const kept = age > 0 && age < DAY ? age : 0;
      const left = 1000 * this.promise.seconds_left - kept;
      this.over = performance.now() + left + 1000; // the last second counts
      this.fresh = performance.now() + Math.min(left + 1000, AGAIN);
      this.show();
    } catch (fault) {
      if (signal.aborted) return;
      this.textContent = WORDS[this.locale].away;
      this.timer = setTimeout(() => this.ask(), RETRY);
    }
  }

  day(iso) {
    return new Intl.DateTimeFormat(this.locale, { ...WORDS[this.locale].date, timeZone: "UTC" }).format(new Date(iso));
  }

  show() {
    const words = WORDS[this.locale];
    const { dispatch_on, arrive_on, same_day } = this.promise;
    if (!dispatch_on) return void (this.textContent = words.none);
    if (performance.now() >= this.fresh) return void this.ask();
    const seconds = Math.max(0, Math.floor((this.over - performance.now()) / 1000));
    const parts = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
    const left = words.left(...parts);
    const says = [same_day ? words.today(left) : words.later(left, this.day(dispatch_on))];
    if (AWAITED.includes(this.getAttribute("method"))) says.push(words.paid);
    if (arrive_on) says.push(words.arrives(this.day(arrive_on)));
    this.textContent = says.join(this.locale === "ja" ? "" : " ");
    this.timer = setTimeout(() => this.show(), 1000 - (performance.now() % 1000));
  }
}

customElements.define("dispatch-promise", DispatchPromise);
