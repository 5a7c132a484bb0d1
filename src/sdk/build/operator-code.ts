/** What stands for the code of a job that has none: all operators share the processes that loaded
 *  it. */
export const operatorCode = "// An operator: the plan says what is done.\nexport default null;\n";
