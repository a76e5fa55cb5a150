// A help, not a need: the number is looked at beside its field, and a pasted column goes down the fields of the list.
for (const field of document.querySelectorAll("input[data-check]")) {
  const says = document.getElementById(field.getAttribute("aria-describedby"));
  const carrier = document.getElementById("carrier");
  let asked = 0;
  const look = async () => {
    const mine = ++asked, number = field.value.trim();
    if (!number) { says.textContent = ""; field.removeAttribute("aria-invalid"); return; }
    const query = new URLSearchParams({ number, carrier: carrier ? carrier.value : "", lang: document.documentElement.lang });
    try {
      const answer = await fetch(field.dataset.check + "?" + query);
      if (!answer.ok || mine !== asked) return;
      const told = await answer.json();
      says.textContent = told.says;
      says.className = told.valid ? "good" : "fault";
      field.setAttribute("aria-invalid", String(!told.valid));
    } catch { says.textContent = ""; }
  };
  field.addEventListener("change", look);
  field.addEventListener("paste", (event) => {
    const rows = event.clipboardData.getData("text").split(/\r?\n/).map((row) => row.trim());
    while (rows.length && !rows[rows.length - 1]) rows.pop();
    const fields = [...document.querySelectorAll("input[data-column]")];
    const from = fields.indexOf(field);
    if (rows.length < 2 || from < 0) return;
    event.preventDefault();
    rows.slice(0, fields.length - from).forEach((row, n) => {
      fields[from + n].value = row;
      fields[from + n].dispatchEvent(new Event("change"));
    });
  });
  if (carrier) carrier.addEventListener("change", look);
}
