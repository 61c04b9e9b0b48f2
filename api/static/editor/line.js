// Section and date of an article, as the templates write them.

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

export function about({ section, published_at: moment }) {
    const day = moment ? timeElement(moment) : "no date";
    return section ? [sectionElement(section), " · ", day] : [day];
}

function timeElement(moment) {
    const time = document.createElement("time");
    time.dateTime = moment;
    time.textContent = DAY.format(new Date(moment));
    return time;
}

function sectionElement(section) {
    const name = document.createElement("span");
    name.dir = "auto";
    name.textContent = section;
    return name;
}
