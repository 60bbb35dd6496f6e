for (const filter of document.querySelectorAll(".filter")) {
  const [kind, words] = [filter.querySelector("select"), filter.querySelector("input")];
  const apply = () => {
    const wanted = words.value.toLowerCase();
    for (const one of filter.nextElementSibling.children) {
      one.hidden =
        (kind.value && one.dataset.type !== kind.value) || !one.textContent.toLowerCase().includes(wanted);
    }
  };
  kind.addEventListener("change", apply);
  words.addEventListener("input", apply);
}
