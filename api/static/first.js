// Before anything is drawn: the theme and the language chosen last, so that nothing flashes.
(() => {
  const theme = localStorage.getItem("coterie-theme");
  if (theme === "light" || theme === "dark") document.documentElement.style.colorScheme = theme;
  const language = localStorage.getItem("coterie-language") || navigator.language;
  document.documentElement.lang = /^zh/i.test(language) ? "zh" : "en";
})();
