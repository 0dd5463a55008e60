"""What the leaderboard's page adds to the look of a report, and what it does."""

_STYLE = '''
.wrap{max-width:1500px}
.filters{display:flex;flex-wrap:wrap;gap:14px 18px;align-items:end;position:sticky;
top:8px;z-index:3;margin-top:24px}
.filters label{display:grid;gap:4px;font-size:.82rem;color:var(--soft)}
.filters .wide{flex:1 1 220px}
.filters select,.filters input{font:inherit;font-size:.95rem;color:var(--ink);
background:var(--paper);border:1px solid var(--line);border-radius:8px;
padding:7px 10px;width:100%}
.filters output{color:var(--soft);font-size:.86rem;padding-bottom:9px;min-width:6em;
text-align:right}
:is(select,input,button):focus-visible{outline:2px solid var(--accent);
outline-offset:2px}
section{scroll-margin-top:120px}
.board{font-size:.9rem}
.board th,.board td{padding:8px 9px;vertical-align:top}
.board th{white-space:normal;vertical-align:bottom}
.board th button{all:unset;cursor:pointer;color:inherit;font:inherit;line-height:1.25}
.board th button:hover{color:var(--accent)}
.board th button:focus-visible{outline:2px solid var(--accent)}
.board th button:after{content:"";display:inline-block;width:.8em;margin-right:-.8em;
text-align:center}
.board th[aria-sort=ascending] button:after{content:"↑"}
.board th[aria-sort=descending] button:after{content:"↓"}
.board th:not([aria-sort=none]){color:var(--accent)}
.board th.num{text-align:right}
.board .name{white-space:normal;min-width:13em;overflow-wrap:anywhere}
.board .about{white-space:normal;min-width:13em;color:var(--soft);font-size:.86rem}
.board .about a{color:var(--accent)}
.board .best{font-weight:680}
.kind{display:inline-block;padding:1px 9px;border-radius:99px;font-size:.78rem;
border:1px solid var(--line);color:var(--soft)}
.kind.measured{color:var(--series-3);border-color:var(--series-3)}
.kind.yours{color:var(--card);background:var(--accent);border-color:var(--accent)}
[hidden]{display:none!important}
body[data-task=""] .detail{display:none}
@media (max-width:600px){.filters{position:static}}
@media print{.filters{display:none}}
'''


def task_style(tasks) -> str:
    """The style sheet: with a task chosen, only its figures show."""
    return _STYLE + ''.join(
        f'body[data-task="{task}"] .fig:not([data-of="{task}"]){{display:none}}\n'
        for task in tasks)


#: A heading sorts: numbers from the greatest, texts from a; what is missing is last.
SCRIPT = '''
const one=s=>document.querySelector(s),all=(s,e=document)=>[...e.querySelectorAll(s)];
function sort(th){
 const down=th.getAttribute("aria-sort")==="none"?th.classList.contains("num")
  :th.getAttribute("aria-sort")==="ascending";
 const at=[...th.parentNode.children].indexOf(th),body=th.closest("table").tBodies[0];
 all("th",th.parentNode).forEach(t=>t.setAttribute("aria-sort","none"));
 th.setAttribute("aria-sort",down?"descending":"ascending");
 const value=row=>{const cell=row.cells[at],v=cell.dataset.v,text=cell.textContent;
  return text==="\\u2014"?null:v===undefined?text:Number(v)};
 const order=(a,b)=>typeof a==="number"&&typeof b==="number"?a-b
  :String(a).localeCompare(String(b),"en",{numeric:true});
 body.append(...[...body.rows].map(row=>[value(row),row]).sort(([a],[b])=>
  a===null||b===null?(a===null)-(b===null):down?order(b,a):order(a,b)).map(p=>p[1]));
}
function filter(){
 const set=one("#set").value,task=one("#task").value;
 const words=one("#text").value.toLowerCase().split(/\\s+/).filter(Boolean);
 document.body.dataset.task=task;
 let count=0;
 for(const section of all("section[data-set]")){
  section.hidden=set!==""&&section.dataset.set!==set&&section.dataset.set!=="costs";
  let shown=0;
  for(const row of all("tbody tr",section)){
   const text=row.textContent.toLowerCase(),costs=section.dataset.set==="costs";
   row.hidden=!words.every(w=>text.includes(w))
    ||(!costs&&task!==""&&!row.dataset.tasks.split(" ").includes(task));
   shown+=!row.hidden;
   count+=!row.hidden&&!costs&&!section.hidden;
  }
  const none=one(`#${section.id} .panel .empty`);
  if(none)none.hidden=shown>0;
 }
 one("#count").textContent=count===1?"1 result":`${count} results`;
}
all(".board th button").forEach(b=>b.addEventListener("click",
 ()=>sort(b.closest("th"))));
["#set","#task","#text"].forEach(s=>one(s).addEventListener("input",filter));
one("form").addEventListener("submit",e=>e.preventDefault());
filter();
'''
