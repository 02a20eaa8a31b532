// Shows the rows that have all the words. Without it, all rows are there.
(() => {
	const box = document.getElementById("filter"), count = document.getElementById("count");
	const rows = [...document.querySelectorAll("tbody tr")].map(tr => ({ tr, text: (tr.textContent + " " + tr.className).toLowerCase() }));
	const apply = () => {
		const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
		let shown = 0;
		for (const { tr, text } of rows) {
			tr.hidden = !words.every(w => text.includes(w));
			shown += !tr.hidden;
		}
		for (const table of document.querySelectorAll("table")) {
			const none = !table.querySelector("tbody tr:not([hidden])");
			table.hidden = none;
			table.previousElementSibling.hidden = none;
		}
		count.textContent = `${shown} of ${rows.length}`;
	};
	box.closest("p").hidden = false;
	box.addEventListener("input", apply);
	apply();
})();
